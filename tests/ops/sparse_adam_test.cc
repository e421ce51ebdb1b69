#include <string>

#include "ops/adam_bound.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct SparseAdamCase {
  HostBatch batch;
  bool bias_column = false;
  std::vector<float> coefficients;  // [entries + batch]
  HostMatrix factor;
  float scale = 1;
  HostParameters rows;  // [n_columns + 1]: the bias's row last
  HostAdam adam;
  std::int64_t step = 1;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) +
           " columns, width " + std::to_string(factor.width) + (bias_column ? ", bias" : "") +
           ", step " + std::to_string(step) + ", weight decay " +
           std::to_string(adam.constants.weight_decay);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    const HostColumns columns(batch);
    backend.run(
        SparseAdam{.columns = memory.columns(columns),
                   .bias_column = bias_column,
                   .coefficients = memory.array("coefficients", coefficients, Access::kRead),
                   .factor = memory.matrix("factor", factor, Access::kRead),
                   .scale = scale,
                   .max_columns = static_cast<std::int64_t>(columns.ids.size()) + 3,
                   .rows = rows.in(memory),
                   .adam = adam.in(memory),
                   .step = step});
    return memory.finish();
  }
  /// The same case, its gradients left in m.
  SparseAdamCase gradients() const {
    SparseAdamCase c = *this;
    c.rows = rows.without_moments();
    c.adam = gradient_adam();
    return c;
  }
  SparseAdamCase magnitudes() const {
    SparseAdamCase c = gradients();
    c.coefficients = absolute(coefficients);
    c.factor = absolute(factor);
    c.scale = std::abs(scale);
    return c;
  }
};

std::vector<SparseAdamCase> cases(Values values) {
  struct Size {
    std::int64_t batch, n_columns, width;
  };
  std::vector<SparseAdamCase> all;
  for (const auto [batch, n_columns, width] :
       {Size{0, 33, 5}, Size{1, 1, 1}, Size{31, 127, 33}, Size{32, 257, 127}, Size{33, 1031, 31},
        Size{127, 32, 257}, Size{257, 31, 32}, Size{5, 33, 1031}, Size{1031, 9, 1}, Size{3, 0, 7},
        Size{6, 40, 128}, Size{7, 40, 129}, Size{9, 20, 16}, Size{8, 97, 64}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    SparseAdamCase c;
    c.batch = random_batch(numbers, batch, n_columns, i % 2 == 0);
    c.bias_column = i % 3 != 1;
    c.coefficients = random_matrix(numbers, 1, c.batch.n_entries() + batch).values;
    c.factor = random_matrix(numbers, batch, width);
    c.scale = values == Values::kIntegers ? 0.5F : -0.37F;
    c.rows = random_parameters(numbers, n_columns + 1, width);
    const bool decay = i % 4 > 1;
    c.adam =
        values == Values::kIntegers ? exact_adam(decay ? 0.5F : 0) : real_adam(decay ? 0.01 : 0);
    c.step = static_cast<std::int64_t>(i) % 7 + 1;  // beyond exact_adam()'s schedule as well
    if (i == 5) c.step = 1'000'000;                 // beyond real_adam()'s
    c.rows.last_step.assign(static_cast<std::size_t>(n_columns + 1), c.step - 1);
    c.extra_stride = i % 6 == 5 ? 16 : 0;
    all.push_back(c);
  }
  return all;
}

class SparseAdamTest : public OperationTest {};

TEST_P(SparseAdamTest, IntegersAreExact) {
  for (const SparseAdamCase& c : cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
}

// v under constants that let it see the gradient: integers again.
TEST_P(SparseAdamTest, IntegersAreExactInTheMoments) {
  for (SparseAdamCase c : cases(Values::kIntegers)) {
    SCOPED_TRACE(c.name());
    c.adam.constants.beta2 = 0.5F;
    c.adam.constants.one_minus_beta2 = 0.5F;
    const std::vector<double> magnitude = c.magnitudes().run(reference()).at("m");
    Results got = c.run(backend()), want = c.run(reference());
    for (std::size_t i = 0; i < magnitude.size(); ++i) {
      if (magnitude[i] > 1 << 10) got["v"][i] = want["v"][i] = 0;  // its square is not exact
    }
    for (Results* results : {&got, &want}) results->erase("weight");
    expect_equal(got, want);
  }
}

TEST_P(SparseAdamTest, RealsAreWithinRounding) {
  for (const SparseAdamCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const std::vector<double> gradient = c.gradients().run(reference()).at("m");
    const std::vector<double> magnitude = c.magnitudes().run(reference()).at("m");
    const HostColumns columns(c.batch);
    AdamBound bound(c.rows, c.adam, c.step);
    for (std::size_t i = 0; i + (c.bias_column ? 0 : 1) < columns.ids.size(); ++i) {
      bound.takes_step(columns.ids[i], columns.entries(i), gradient, magnitude);
    }
    Results bounds;
    bound.add_to(bounds);
    bounds["last_step"].assign(c.rows.last_step.size(), 0);
    expect_within(c.run(backend()), c.run(reference()), bounds);
  }
}

TEST_P(SparseAdamTest, GivesTheSameBitsAgain) {
  for (const SparseAdamCase& c : cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(SparseAdamTest, WorkedByHand) {
  SparseAdamCase c;
  c.batch.n_columns = 3;
  c.batch.add_row({{0, 1}, {2, 2}});
  c.batch.add_row({{2, 4}});
  c.batch.rows = {0, 1};
  c.coefficients = {3, -1, 5, 1, 1};  // of (row 0, column 0), (0, 2), (1, 2) and the two ones
  c.factor = HostMatrix(2, 1, {10, 100});
  c.scale = 0.5F;
  c.rows = {
      HostMatrix(4, 1, {1, 2, 3, 4}), HostMatrix(4, 1, {0, 8, 2, 0}), HostMatrix(4, 1, 1), {}};
  c.rows.last_step = {6, 2, 6, 6};
  c.adam = exact_adam(2);  // beta1 = 1/2, v stays 1; step 3: w -= 4 m / (1 + 1)
  c.adam.schedule.resize(4);
  c.step = 7;
  // Gradients: 3 * 10 / 2 = 15 and 2 w = 2; (-10 + 500) / 2 = 245 and 6; column 1 is not there.
  EXPECT_EQ(c.run(backend()), (Results{{"weight", {1 - 17, 2, 3 - 2 * 126.5, 4}},
                                       {"m", {8.5, 8, (2 + 251) / 2.0, 0}},
                                       {"v", {1, 1, 1, 1}},
                                       {"last_step", {7, 2, 7, 6}}}));
  c.bias_column = true;  // its gradient: (10 + 100) / 2 = 55 and 8
  const Results got = c.run(backend());
  EXPECT_EQ(got.at("m")[3], 31.5);
  EXPECT_EQ(got.at("weight")[3], 4 - 63);
  EXPECT_EQ(got.at("last_step"), (std::vector<double>{7, 2, 7, 7}));
}

// PyTorch's own first step: w moves by the learning rate against the gradient's sign.
TEST_P(SparseAdamTest, FirstStepIsTheLearningRate) {
  SparseAdamCase c;
  c.batch.n_columns = 2;
  c.batch.add_row({{0, 1}, {1, 1}});
  c.batch.rows = {0};
  c.coefficients = {1, -1, 1};
  c.factor = HostMatrix(1, 1, {0.25F});
  c.rows = {HostMatrix(3, 1, 0.5F), HostMatrix(3, 1), HostMatrix(3, 1), {0, 0, 0}};
  c.adam = real_adam(0);
  const Results got = c.run(backend());
  const double eps = std::numeric_limits<float>::epsilon();
  const double step = 1e-3 * 0.25 / (0.25 + 1e-8);
  EXPECT_TRUE(std::abs(got.at("weight")[0] - (0.5 - step)) <= 0.5 * eps + 4 * eps * step);
  EXPECT_TRUE(std::abs(got.at("weight")[1] - (0.5 + step)) <= 0.5 * eps + 4 * eps * step);
  EXPECT_EQ(got.at("weight")[2], 0.5);
}

HOURGLASS_ON_EVERY_BACKEND(SparseAdamTest);

}  // namespace
}  // namespace hourglass::ops_test
