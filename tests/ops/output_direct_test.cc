#include <cmath>
#include <string>

#include "ops/adam_bound.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct Size {
  std::int64_t n_rows, n_columns, width;
};

const std::vector<Size> kRagged = {{1, 1, 1},      {31, 127, 33}, {32, 257, 127}, {33, 1031, 31},
                                   {127, 32, 257}, {257, 31, 32}, {1031, 33, 2},  {6, 63, 128},
                                   {7, 65, 129},   {9, 64, 16},   {9, 20, 17},    {3, 4193, 9}};

struct CellLossCase {
  HostBatch batch;
  HostMatrix outputs;  // [n_rows x n_columns]
  std::int64_t extra_stride = 0;
  bool dense = false;  // whether the targets are given as a matrix as well

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) + " columns";
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(CellLoss{.batch = memory.batch(batch),
                         .outputs = memory.matrix("outputs", outputs, Access::kUpdate),
                         .row_sums = memory.scratch<double>("row_sums", batch.size()),
                         .loss = memory.written<double>("loss", 1),
                         .dense = dense ? memory.matrix("dense", with_ones(dense_batch(batch)),
                                                        Access::kRead)
                                        : Matrix<float>{}});
    return memory.finish();
  }
  /// y - x with both terms positive.
  CellLossCase magnitudes() const {
    CellLossCase c = *this;
    c.batch.values = absolute(batch.values, -1);
    c.outputs = absolute(outputs);
    return c;
  }
};

std::vector<CellLossCase> loss_cases(Values values, const std::vector<Size>& sizes) {
  std::vector<CellLossCase> all;
  for (const auto& [n_rows, n_columns, width] : sizes) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    all.push_back({random_batch(numbers, n_rows, n_columns, i % 2 == 0),
                   random_matrix(numbers, n_rows, n_columns, 9), i % 4 == 3 ? 16 : 0,
                   i % 3 == 1});
  }
  return all;
}

class CellLossTest : public OperationTest {};

TEST_P(CellLossTest, IntegersAreExact) {
  // A power of two of cells: the factor 2 / cells is exact.
  for (const CellLossCase& c :
       loss_cases(Values::kIntegers,
                  {{1, 1, 1}, {32, 32, 1}, {2, 1024, 1}, {64, 2, 1}, {1, 256, 1}, {1024, 4, 1}})) {
    expect_exact(c);
  }
}

TEST_P(CellLossTest, RealsAreWithinRounding) {
  for (const CellLossCase& c : loss_cases(Values::kReals, kRagged)) {
    SCOPED_TRACE(c.name());
    Results bound = c.magnitudes().run(reference());
    const double error = rounding(1);  // of y - x, over |y| + |x|
    for (double& x : bound.at("outputs")) x *= rounding(2);
    for (double& x : bound.at("loss")) x *= 2 * error + error * error;
    expect_within(c.run(backend()), c.run(reference()), bound);
  }
}

TEST_P(CellLossTest, GivesTheSameBitsAgain) {
  for (const CellLossCase& c : loss_cases(Values::kReals, kRagged)) expect_bits_of_twins(c);
}

TEST_P(CellLossTest, WorkedByHand) {
  CellLossCase c;
  c.batch.n_columns = 2;
  c.batch.add_row({{1, 3}});
  c.batch.add_row({{0, 9}, {1, 9}});  // not of the batch
  c.batch.add_row({});
  c.batch.rows = {2, 0};
  c.outputs = HostMatrix(2, 2, {1, -2, 5, 1});
  // Errors 1, -2 and 5, 1 - 3.
  EXPECT_EQ(c.run(backend()),
            (Results{{"outputs", {0.5, -1, 2.5, -1}}, {"loss", {(1 + 4 + 25 + 4) / 4.0}}}));
}

// A diverged output must show in the loss, wherever it stands.
TEST_P(CellLossTest, ANaNReachesTheLoss) {
  for (const std::int64_t column : {0, 7, 16, 34}) {
    Numbers numbers(1, Values::kReals);
    CellLossCase c{random_batch(numbers, 3, 35, true), random_matrix(numbers, 3, 35)};
    c.outputs.at(1, column) = NAN;
    EXPECT_TRUE(std::isnan(c.run(backend()).at("loss")[0])) << column;
  }
}

HOURGLASS_ON_EVERY_BACKEND(CellLossTest);

struct BackwardCase {
  HostMatrix errors, weight;  // [n_rows x n_columns], [n_columns x width]
  std::int64_t extra_stride = 0;
  HostMatrix hidden = {};  // [n_rows x width]; width 0: no unit may be left out

  std::string name() const {
    return std::to_string(errors.n_rows) + " rows, " + std::to_string(errors.width) +
           " columns, width " + std::to_string(weight.width);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(OutputBackward{
        .errors = memory.matrix("errors", errors, Access::kRead),
        .weight = memory.matrix("weight", weight, Access::kRead),
        .n_rows = errors.n_rows,
        .n_columns = errors.width,
        .width = weight.width,
        .grad_hidden = memory.loosely_padded("grad_hidden", errors.n_rows, weight.width - 1),
        .hidden = hidden.width > 0 ? memory.matrix("hidden", hidden, Access::kRead)
                                   : Matrix<float>{}});
    Results results = memory.finish();
    std::vector<double>& grad = results.at("grad_hidden");
    for (std::size_t i = 0; i < grad.size() && hidden.width > 0; ++i) {  // what is anybody's
      EXPECT_TRUE(std::isfinite(grad[i]));
      if (is_idle(hidden, static_cast<std::int64_t>(i) % (weight.width - 1))) grad[i] = 0;
    }
    return results;
  }
  BackwardCase magnitudes() const {
    return {absolute(errors), absolute(weight), extra_stride, hidden};
  }
};

std::vector<BackwardCase> backward_cases(Values values) {
  std::vector<Size> sizes = kRagged;
  sizes.push_back({5, 0, 18});  // a share without a column: no gradient
  sizes.push_back({0, 5, 18});
  sizes.push_back({2, 513, 70});
  std::vector<BackwardCase> all;
  for (const auto& [n_rows, n_columns, width] : sizes) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    all.push_back({random_matrix(numbers, n_rows, n_columns),
                   random_matrix(numbers, n_columns, width), i % 4 == 3 ? 16 : 0});
    if (i % 2 == 1) all.back().hidden = random_hidden(numbers, n_rows, width, true);
  }
  return all;
}

class OutputBackwardTest : public OperationTest {};

TEST_P(OutputBackwardTest, IntegersAreExact) {
  for (const BackwardCase& c : backward_cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
}

TEST_P(OutputBackwardTest, RealsAreWithinRounding) {
  for (const BackwardCase& c : backward_cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results want = c.run(reference()), magnitudes = c.magnitudes().run(reference());
    for_each_math([&](Math math) {
      Results bound = magnitudes;
      for (double& x : bound.at("grad_hidden")) x *= rounding(c.errors.width) + of_factors(math);
      expect_within(c.run(backend()), want, bound);
    });
  }
}

TEST_P(OutputBackwardTest, MathsDiffer) {
  expect_maths_differ(backward_cases(Values::kReals)[8]);
}

TEST_P(OutputBackwardTest, GivesTheSameBitsAgain) {
  for (const BackwardCase& c : backward_cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(OutputBackwardTest, WorkedByHand) {
  const BackwardCase c{HostMatrix(2, 3, {1, 2, 0, -1, 0, 4}),
                       HostMatrix(3, 3, {1, 10, 7, 0, 5, 7, -1, 0.5, 7})};
  EXPECT_EQ(c.run(backend()).at("grad_hidden"), (std::vector<double>{1, 20, -5, -8}));
}

HOURGLASS_ON_EVERY_BACKEND(OutputBackwardTest);

struct DirectUpdateCase {
  HostMatrix errors, hidden;  // [n_rows x n_columns], [n_rows x width]
  HostParameters rows;        // [n_columns x width]
  HostAdam adam;
  std::int64_t step = 1;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(errors.n_rows) + " rows, " + std::to_string(errors.width) +
           " columns, width " + std::to_string(hidden.width) + ", step " + std::to_string(step) +
           ", weight decay " + std::to_string(adam.constants.weight_decay);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(OutputDirectUpdate{
        .errors = memory.matrix("errors", errors, Access::kRead),
        .hidden = memory.matrix("hidden", hidden, Access::kRead),
        .n_rows = errors.n_rows,
        .n_columns = errors.width,
        .rows = rows.in(memory),
        .adam = adam.in(memory),
        .step = step,
        .scratch = memory.scratch<float>("scratch", direct_scratch(errors.width, hidden.width))});
    return memory.finish();
  }
  DirectUpdateCase gradients() const {
    DirectUpdateCase c = *this;
    c.rows = rows.without_moments();
    c.adam = gradient_adam();
    return c;
  }
  DirectUpdateCase magnitudes() const {
    DirectUpdateCase c = gradients();
    c.errors = absolute(errors);
    c.hidden = absolute(hidden);
    return c;
  }
};

std::vector<DirectUpdateCase> update_cases(Values values) {
  std::vector<Size> sizes = kRagged;
  sizes.push_back({0, 5, 18});  // no rows: gradients of zero
  std::vector<DirectUpdateCase> all;
  for (const auto& [n_rows, n_columns, width] : sizes) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    DirectUpdateCase c;
    c.errors = random_matrix(numbers, n_rows, n_columns);
    c.hidden = random_hidden(numbers, n_rows, width, i % 2 == 1);
    c.rows = random_parameters(numbers, n_columns, width);
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

class OutputDirectUpdateTest : public OperationTest {};

TEST_P(OutputDirectUpdateTest, IntegersAreExact) {
  for (const DirectUpdateCase& c : update_cases(Values::kIntegers)) {
    expect_largest_is_exact({{"m", c.magnitudes().run(reference()).at("m")}});
    expect_exact(c);
  }
}

TEST_P(OutputDirectUpdateTest, RealsAreWithinRounding) {
  for (const DirectUpdateCase& c : update_cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const std::vector<double> gradient = c.gradients().run(reference()).at("m");
    const std::vector<double> magnitude = c.magnitudes().run(reference()).at("m");
    const Results want = c.run(reference());
    for_each_math([&](Math math) {
      AdamBound bound(c.rows, c.adam, c.step);
      for (std::int64_t j = 0; j < c.errors.width; ++j) {
        bound.takes_step(j, c.errors.n_rows, gradient, magnitude, of_factors(math));
      }
      Results bounds;
      bound.add_to(bounds);
      expect_within(c.run(backend()), want, bounds);
    });
  }
}

TEST_P(OutputDirectUpdateTest, MathsDiffer) {
  expect_maths_differ(update_cases(Values::kReals)[8]);
}

TEST_P(OutputDirectUpdateTest, GivesTheSameBitsAgain) {
  for (const DirectUpdateCase& c : update_cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(OutputDirectUpdateTest, WorkedByHand) {
  // Two rows, h = 2 and -1: gradients (1 2 + 3 (-1), 1 + 3) and (0 + 2 (-1), 0 + 2).
  DirectUpdateCase c;
  c.errors = HostMatrix(2, 2, {1, 0, 3, 2});
  c.hidden = HostMatrix(2, 2, {2, 1, -1, 1});
  c.rows = {HostMatrix(2, 2, {1, 0, -1, 1}), HostMatrix(2, 2), HostMatrix(2, 2, 1), {}};
  c.adam = exact_adam(0);
  // m is half of the gradient, and w loses m / 2.
  EXPECT_EQ(
      c.run(backend()),
      (Results{{"weight", {1.25, -1, -0.5, 0.5}}, {"m", {-0.5, 2, -1, 1}}, {"v", {1, 1, 1, 1}}}));
  c.adam = exact_adam(2);
  EXPECT_EQ(c.run(backend()).at("m"), (std::vector<double>{0.5, 2, -2, 2}));
}

HOURGLASS_ON_EVERY_BACKEND(OutputDirectUpdateTest);

}  // namespace
}  // namespace hourglass::ops_test
