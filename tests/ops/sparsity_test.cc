#include "hourglass/ops/sparsity.h"

#include <cmath>
#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct PenaltyCase {
  HostMatrix code;  // [batch x units]
  double weight = 0.2, target = 0.05;

  std::string name() const {
    return std::to_string(code.n_rows) + " rows, " + std::to_string(code.width) + " units";
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend);
    backend.run(
        SparsityPenalty{.code = memory.matrix("code", with_ones(code), Access::kRead),
                        .n_rows = code.n_rows,
                        .width = code.width,
                        .weight = weight,
                        .target = target,
                        .grad = memory.loosely_padded("grad", code.n_rows, code.width),
                        .unit_penalties = memory.scratch<double>("unit_penalties", code.width),
                        .penalty = memory.written<double>("penalty", 1)});
    return memory.finish();
  }
};

std::vector<PenaltyCase> cases() {
  std::vector<PenaltyCase> all;
  for (const std::int64_t width : {1, 8, 10, 15, 16, 17, 64, 127}) {
    for (const std::int64_t n : {1, 2, 31, 128, 257}) {
      Numbers numbers(all.size() + 1, Values::kReals);
      all.push_back({random_matrix(numbers, n, width, 5)});
    }
  }
  return all;
}

class SparsityTest : public OperationTest {};

TEST_P(SparsityTest, WorkedByHand) {
  // Sigmoids 1/2 and 1/2: r = 1/2.  t = 1/4: 1/4 log(1/2) + 3/4 log(3/2).
  const Results r = PenaltyCase{HostMatrix(2, 1), 2, 0.25}.run(backend());
  EXPECT_NEAR(r.at("penalty")[0], 2 * (0.25 * std::log(0.5) + 0.75 * std::log(1.5)), 1e-6);
  // slope 2 / 2 (0.75 / 0.5 - 0.25 / 0.5) = 1, times 1/4.
  EXPECT_EQ(r.at("grad"), (std::vector<double>{0.25, 0.25}));
}

TEST_P(SparsityTest, RealsAreWithinRounding) {
  for (const PenaltyCase& c : cases()) {
    SCOPED_TRACE(c.name());
    const Results want = c.run(reference());
    // Exp, sum, quotient and 1 - s round once or twice each; r's error is one sigmoid's, and
    // s (1 - s) loses what 1 - s cancels: relative to s.
    constexpr double kEps = 0x1p-23;
    Results bound = want;
    for (std::size_t i = 0; i < bound.at("grad").size(); ++i) {
      double& grad = bound.at("grad")[i];
      const double s = 1 / (1 + std::exp(-static_cast<double>(c.code.values[i])));
      const double slope = std::abs(grad) / (s * (1 - s));
      grad = 8 * kEps * (std::abs(grad) + slope * s + c.weight / c.target * s);
    }
    double& penalty = bound.at("penalty")[0];
    penalty = 8 * kEps * c.weight * static_cast<double>(c.code.width) * (1 + penalty);
    expect_within(c.run(backend()), want, bound);
  }
}

TEST_P(SparsityTest, GivesTheSameBitsAgain) {
  for (const PenaltyCase& c : cases()) expect_bits_of_twins(c);
}

TEST_P(SparsityTest, WhereTheMeanIsClampedThereIsNoGradient) {
  for (const float far : {-80.0F, -1000.0F, 80.0F, 1000.0F}) {
    const PenaltyCase c = {HostMatrix(2, 3, {far, far, 0, far, far, 0}), 1, 0.05};
    const Results r = c.run(backend());
    EXPECT_EQ(r.at("grad")[0], 0) << far;
    EXPECT_EQ(r.at("grad")[1], 0) << far;
    EXPECT_NE(r.at("grad")[2], 0) << far;
    EXPECT_TRUE(std::isfinite(r.at("penalty")[0])) << far;
  }
}

// Of the reference alone: a difference of float penalties would be too coarse.
TEST(SparsityReferenceTest, GradientIsThePenaltysDifference) {
  hourglass::reference::ReferenceBackend backend;
  Numbers numbers(42, Values::kReals);
  const PenaltyCase c = {random_matrix(numbers, 7, 3, 4)};
  const Results at = c.run(backend);
  for (std::size_t i = 0; i < c.code.values.size(); ++i) {
    PenaltyCase up = c, down = c;
    up.code.values[i] += 0x1p-8F;
    down.code.values[i] -= 0x1p-8F;
    const double step =
        static_cast<double>(up.code.values[i]) - static_cast<double>(down.code.values[i]);
    const double slope =
        (up.run(backend).at("penalty")[0] - down.run(backend).at("penalty")[0]) / step;
    // The third derivative's share: step^2 / 24 of a few times the penalty's own size.
    EXPECT_FALSE(!(std::abs(at.at("grad")[i] - slope) <= step * step * 0.2)) << i;
  }
}

HOURGLASS_ON_EVERY_BACKEND(SparsityTest);

}  // namespace
}  // namespace hourglass::ops_test
