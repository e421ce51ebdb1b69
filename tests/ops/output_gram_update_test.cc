#include <string>

#include "ops/adam_bound.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct GramUpdateCase {
  HostBatch batch;
  HostMatrix hidden, hidden_gram;  // [batch x width], [width x width]
  HostParameters rows;             // [n_columns x width]
  HostAdam adam;
  std::int64_t step = 1;
  std::int64_t extra_stride = 0;
  std::vector<std::int32_t> idle_batches = {};  // [width], or none: gram is wanted for all units

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) +
           " columns, width " + std::to_string(hidden.width) + ", step " + std::to_string(step) +
           ", weight decay " + std::to_string(adam.constants.weight_decay);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    const std::int64_t width = hidden.width;
    backend.run(OutputGramUpdate{
        .columns = memory.columns(HostColumns(batch)),
        .batch = batch.size(),
        .hidden = memory.matrix("hidden", hidden, Access::kRead),
        .hidden_gram = memory.matrix("hidden_gram", hidden_gram, Access::kRead),
        .n_columns = batch.n_columns,
        .rows = rows.in(memory),
        .adam = adam.in(memory),
        .step = step,
        .gram = memory.written("gram", width, width),
        .scratch = memory.scratch<float>("scratch", gram_scratch(batch.n_columns, width)),
        .idle_batches = idle_batches.empty()
                            ? Ptr<std::int32_t>{}
                            : memory.array("idle_batches", idle_batches, Access::kUpdate)});
    Results results = memory.finish();
    std::vector<double>& gram = results.at("gram");
    for (std::size_t i = 0; i < gram.size() && !idle_batches.empty(); ++i) {  // what is anybody's
      const std::vector<double>& idle = results.at("idle_batches");
      const std::size_t row = i / idle.size(), column = i % idle.size();
      if (idle[row] > kGramMemory || idle[column] > kGramMemory) gram[i] = 0;
    }
    return results;
  }
  GramUpdateCase gradients() const {
    GramUpdateCase c = *this;
    c.rows = rows.without_moments();
    c.adam = gradient_adam();
    return c;
  }
  /// Wa G - X^T Ha with every term positive.
  GramUpdateCase magnitudes() const {
    GramUpdateCase c = gradients();
    c.batch.values = absolute(batch.values, -1);
    c.hidden = absolute(hidden);
    c.hidden_gram = absolute(hidden_gram);
    c.rows.weight = absolute(rows.weight);
    return c;
  }
};

struct Size {
  std::int64_t batch, n_columns, width;
};

std::vector<GramUpdateCase> all_cases(Values values, const std::vector<Size>& sizes) {
  std::vector<GramUpdateCase> all;
  for (const auto& [batch, n_columns, width] : sizes) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    GramUpdateCase c;
    c.batch = random_batch(numbers, batch, n_columns, i % 2 == 0);
    c.hidden = random_hidden(numbers, batch, width, i % 2 == 1);
    c.hidden_gram = random_matrix(numbers, width, width);
    for (std::int64_t r = 0; r < width; ++r) {
      for (std::int64_t k = 0; k < r; ++k) c.hidden_gram.at(r, k) = c.hidden_gram.at(k, r);
    }
    for (std::int64_t k = 0; k < width; ++k) {  // as G is: zero where a unit is idle
      for (std::int64_t r = 0; r < width && is_idle(c.hidden, k); ++r) {
        c.hidden_gram.at(r, k) = c.hidden_gram.at(k, r) = 0;
      }
    }
    c.rows = random_parameters(numbers, n_columns, width);
    for (std::int64_t k = 0; k < width && i % 3 == 1; ++k) {  // some about to be forgotten
      c.idle_batches.push_back(kGramMemory + 1 - static_cast<std::int32_t>(k % 4));
    }
    const bool decay = i % 4 > 1;
    c.adam =
        values == Values::kIntegers ? exact_adam(decay ? 0.5F : 0) : real_adam(decay ? 0.01 : 0);
    c.step = static_cast<std::int64_t>(i) % 7 + 1;
    if (i == 5) c.step = 1'000'000;  // beyond either schedule
    c.extra_stride = i % 4 == 3 ? 16 : 0;
    all.push_back(c);
  }
  return all;
}

const std::vector<Size> kRagged = {{1, 1, 1},      {31, 127, 33}, {32, 257, 127}, {33, 1031, 31},
                                   {127, 32, 257}, {257, 31, 32}, {1031, 33, 2},  {6, 63, 128},
                                   {7, 65, 129},   {9, 64, 16},   {9, 20, 17},    {5, 4193, 9},
                                   {3, 4193, 69},  {2, 20011, 9}, {3, 4193, 11}};
// A power of two of cells: the factor 2 / cells is exact.
const std::vector<Size> kExact = {{1, 1, 1},    {32, 32, 33}, {2, 1024, 31}, {64, 2, 127},
                                  {1, 32, 257}, {256, 8, 32}, {1024, 4, 5},  {128, 64, 129}};

class OutputGramUpdateTest : public OperationTest {
 protected:
  /// A backend that does not skip units is never given their count.
  std::vector<GramUpdateCase> cases(Values values, const std::vector<Size>& sizes) {
    std::vector<GramUpdateCase> all = all_cases(values, sizes);
    for (GramUpdateCase& c : all) {
      if (backend().kind() == "cuda") c.idle_batches.clear();
    }
    return all;
  }
};

TEST_P(OutputGramUpdateTest, IntegersAreExact) {
  for (const GramUpdateCase& c : cases(Values::kIntegers, kExact)) {
    SCOPED_TRACE(c.name());
    const double cells =
        static_cast<double>(c.batch.size()) * static_cast<double>(c.batch.n_columns);
    const Results magnitudes = c.magnitudes().run(reference());
    for (const double x : magnitudes.at("m")) {
      ASSERT_TRUE(x * cells / 2 <= kExactIntegers);
    }
    Results got = c.run(backend()), want = c.run(reference());
    for (Results* results : {&got, &want}) results->erase("gram");  // of fractions by now
    expect_equal(got, want);
  }
}

TEST_P(OutputGramUpdateTest, RealsAreWithinRounding) {
  std::vector<Size> sizes = kRagged;
  sizes.push_back({2, 4111, 129});  // the widest of many: slow in some lanes, so here alone
  for (const GramUpdateCase& c : cases(Values::kReals, sizes)) {
    SCOPED_TRACE(c.name());
    const std::vector<double> gradient = c.gradients().run(reference()).at("m");
    const std::vector<double> magnitude = c.magnitudes().run(reference()).at("m");
    const HostColumns columns(c.batch);
    std::vector<std::int64_t> terms(static_cast<std::size_t>(c.batch.n_columns), c.hidden.width);
    for (std::size_t i = 0; i + 1 < columns.ids.size(); ++i) {
      terms[static_cast<std::size_t>(columns.ids[i])] += columns.entries(i);
    }
    const Results want = c.run(reference());
    for_each_math([&](Math math) {
      AdamBound bound(c.rows, c.adam, c.step);
      for (std::int64_t j = 0; j < c.batch.n_columns; ++j) {
        bound.takes_step(j, terms[static_cast<std::size_t>(j)], gradient, magnitude,
                         of_factors(math));
      }
      Results bounds;
      bound.add_to(bounds);
      expect_within(c.run(backend()), want, bounds);
    });
  }
}

// Rows that are not few have TF32 on tensor cores, and bf16 is TF32 there; wide ones a library.
TEST_P(OutputGramUpdateTest, MathsOtherThanFp32Show) {
  for (const GramUpdateCase& c : cases(Values::kReals, {{3, 4193, 9}, {3, 300, 257}})) {
    SCOPED_TRACE(c.name());
    const Results fp32 = c.run(backend());
    for_each_math([&](Math math) {
      const Results once = c.run(backend());
      EXPECT_EQ(once == fp32, math == Math::kFp32);
      EXPECT_EQ(once, c.run(backend()));
    });
  }
}

// The fusion's promise: S is OutputGram's of the new weights, to the bit.
TEST_P(OutputGramUpdateTest, LeavesTheGramOfTheNewWeights) {
  std::vector<GramUpdateCase> all = cases(Values::kReals, kRagged);
  GramUpdateCase none = all.front();  // a share without a column has a Gram of zeros
  none.batch = HostBatch();
  none.batch.row_offsets = {0, 0};
  none.batch.rows = {0};
  none.rows = {HostMatrix(0, 1), HostMatrix(0, 1), HostMatrix(0, 1), {}};
  all.push_back(none);
  for (GramUpdateCase& c : all) {
    c.idle_batches.clear();
    SCOPED_TRACE(c.name());
    const Results updated = c.run(backend());
    HostMatrix weight(c.rows.weight.n_rows, c.rows.weight.width);
    weight.values.assign(updated.at("weight").begin(), updated.at("weight").end());
    GuardedMemory memory(backend());
    backend().run(OutputGram{
        .weight = memory.matrix("weight", weight, Access::kRead),
        .n_columns = weight.n_rows,
        .width = weight.width,
        .gram = memory.written("gram", weight.width, weight.width),
        .scratch = memory.scratch<float>("scratch", gram_scratch(weight.n_rows, weight.width))});
    expect_same_bits({{"gram", updated.at("gram")}}, memory.finish());
  }
}

TEST_P(OutputGramUpdateTest, GivesTheSameBitsAgain) {
  for (const GramUpdateCase& c : cases(Values::kReals, kRagged)) expect_bits_of_twins(c);
}

TEST_P(OutputGramUpdateTest, WorkedByHand) {
  // h = 2 and W = (1, 0; -1, 1): outputs 2 and -1; column 0 is rated 5: errors -3 and -1.
  GramUpdateCase c;
  c.batch.n_columns = 2;
  c.batch.add_row({{0, 5}});
  c.batch.rows = {0};
  c.hidden = HostMatrix(1, 2, {2, 1});
  c.hidden_gram = HostMatrix(2, 2, {4, 2, 2, 1});
  c.rows = {HostMatrix(2, 2, {1, 0, -1, 1}), HostMatrix(2, 2), HostMatrix(2, 2, 1), {}};
  c.adam = exact_adam(0);
  // Gradients 2 / 2 (-3) (2, 1) and (-1) (2, 1); m is half of them, and w loses m / 2.
  EXPECT_EQ(c.run(backend()),
            (Results{{"weight", {2.5, 0.75, -0.5, 1.25}},
                     {"m", {-3, -1.5, -1, -0.5}},
                     {"v", {1, 1, 1, 1}},
                     {"gram", {6.25 + 0.25, 1.875 - 0.625, 1.875 - 0.625, 0.5625 + 1.5625}}}));
  c.adam = exact_adam(2);
  EXPECT_EQ(c.run(backend()).at("m"), (std::vector<double>{-2, -1.5, -2, 0.5}));
}

TEST_P(OutputGramUpdateTest, CountsTheBatchesThatUnitsAreIdleFor) {
  if (backend().kind() == "cuda") GTEST_SKIP() << "not this backend's";
  GramUpdateCase c = cases(Values::kReals, {{3, 70, 6}})[0];
  c.hidden = HostMatrix(3, 6, {0, 1, 0, -2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 1});
  c.hidden_gram = HostMatrix(6, 6);
  c.idle_batches = {0, 5, kGramMemory + 1, 7, kGramMemory + 1, 0};
  EXPECT_EQ(c.run(backend()).at("idle_batches"),
            (std::vector<double>{1, 0, 0, 0, kGramMemory + 1, 0}));
}

HOURGLASS_ON_EVERY_BACKEND(OutputGramUpdateTest);

}  // namespace
}  // namespace hourglass::ops_test
