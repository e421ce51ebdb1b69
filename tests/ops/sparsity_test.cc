#include "hourglass/ops/sparsity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "cpu/backend.h"
#include "reference/backend.h"

namespace hourglass::ops_test {
namespace {

struct Result {
  std::vector<float> grad;
  double penalty;
};

/// The penalty on code [n_rows x width], whose column `width` is 1 as an activation's.
Result penalty(Backend& backend, const std::vector<float>& code, std::int64_t n_rows,
               std::int64_t width, double weight, double target) {
  const std::int64_t stride = padded(width + 1);
  std::vector<float> rows(static_cast<std::size_t>(n_rows * stride));
  for (std::int64_t b = 0; b < n_rows; ++b) {
    for (std::int64_t j = 0; j < width; ++j) {
      rows[static_cast<std::size_t>(b * stride + j)] = code[static_cast<std::size_t>(b * width + j)];
    }
    rows[static_cast<std::size_t>(b * stride + width)] = 1;
  }
  Buffer<float> on_device(backend, std::span<const float>(rows));
  // NaN where nothing may be left unwritten, and in the row behind, where nothing may be written.
  const std::int64_t grad_stride = padded(width);
  const std::vector<float> nan(static_cast<std::size_t>((n_rows + 1) * grad_stride), NAN);
  Buffer<float> grad(backend, std::span<const float>(nan));
  Buffer<double> units(backend, width), sum(backend, 1);
  backend.run(SparsityPenalty{.code = Matrix<float>{on_device.ptr(), stride},
                              .n_rows = n_rows,
                              .width = width,
                              .weight = weight,
                              .target = target,
                              .grad = {grad.ptr(), grad_stride},
                              .unit_penalties = units.ptr(),
                              .penalty = sum.ptr()});
  const std::vector<float> all = grad.download();
  Result result{{}, sum.download()[0]};
  for (std::int64_t b = 0; b < n_rows; ++b) {
    for (std::int64_t j = 0; j < width; ++j) {
      result.grad.push_back(all[static_cast<std::size_t>(b * grad_stride + j)]);
    }
  }
  for (std::int64_t c = 0; c < grad_stride; ++c) {
    EXPECT_TRUE(std::isnan(all[static_cast<std::size_t>(n_rows * grad_stride + c)]));
  }
  return result;
}

std::vector<float> random_code(std::int64_t n) {
  std::mt19937 random(42);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> code(static_cast<std::size_t>(n));
  for (float& value : code) value = normal(random);
  return code;
}

TEST(SparsityReferenceTest, HandWorked) {
  reference::ReferenceBackend backend;
  // Sigmoids 1/2 and 1/2: r = 1/2.  t = 1/4: 1/4 log(1/2) + 3/4 log(3/2).
  const Result r = penalty(backend, {0, 0}, 2, 1, 2, 0.25);
  EXPECT_NEAR(r.penalty, 2 * (0.25 * std::log(0.5) + 0.75 * std::log(1.5)), 1e-15);
  // slope 2 / 2 (0.75 / 0.5 - 0.25 / 0.5) = 1, times 1/4.
  EXPECT_EQ(r.grad, (std::vector<float>{0.25F, 0.25F}));
}

TEST(SparsityReferenceTest, GradientIsThePenaltysDifference) {
  reference::ReferenceBackend backend;
  const std::int64_t n = 7, width = 3;
  const std::vector<float> code = random_code(n * width);
  const Result at = penalty(backend, code, n, width, 0.2, 0.05);
  for (std::size_t i = 0; i < code.size(); ++i) {
    std::vector<float> up = code, down = code;
    up[i] += 0x1p-8F;
    down[i] -= 0x1p-8F;
    const double step = static_cast<double>(up[i]) - static_cast<double>(down[i]);
    const double slope = (penalty(backend, up, n, width, 0.2, 0.05).penalty -
                          penalty(backend, down, n, width, 0.2, 0.05).penalty) /
                         step;
    // The third derivative's share: step^2 / 24 of a few times the penalty's own size.
    EXPECT_FALSE(!(std::abs(at.grad[i] - slope) <= step * step * 0.2)) << i;
  }
}

TEST(SparsityTest, TheCpusIsTheReferencesWithinRounding) {
  reference::ReferenceBackend reference;
  for (const std::int64_t width : {1, 8, 10, 16, 17, 64, 127}) {
    for (const std::int64_t n : {1, 2, 31, 128}) {
      const std::vector<float> code = random_code(n * width);
      const Result want = penalty(reference, code, n, width, 0.2, 0.05);
      std::vector<float> first;
      for (const int threads : {1, 2, 8}) {
        cpu::CpuBackend backend(threads);
        const Result got = penalty(backend, code, n, width, 0.2, 0.05);
        // Exp, sum, quotient and 1 - s round once or twice each; r's error is one sigmoid's.
        constexpr double kEps = 0x1p-23;
        for (std::size_t i = 0; i < code.size(); ++i) {
          // s (1 - s) loses what 1 - s cancels: relative to s.
          const double s = 1 / (1 + std::exp(-static_cast<double>(code[i])));
          const double slope = std::abs(want.grad[i]) / (s * (1 - s));
          const double bound = 8 * kEps * (std::abs(want.grad[i]) + slope * s + 0.2 / 0.05 * s);
          ASSERT_FALSE(!(std::abs(got.grad[i] - want.grad[i]) <= bound)) << i << " of " << width;
        }
        ASSERT_FALSE(!(std::abs(got.penalty - want.penalty) <=
                       8 * kEps * 0.2 * static_cast<double>(width) * (1 + want.penalty)));
        if (first.empty()) first = got.grad;
        ASSERT_EQ(got.grad, first) << threads << " threads";
      }
    }
  }
}

TEST(SparsityTest, WhereTheMeanIsClampedThereIsNoGradient) {
  reference::ReferenceBackend reference;
  cpu::CpuBackend cpu(2);
  for (Backend* backend : {static_cast<Backend*>(&reference), static_cast<Backend*>(&cpu)}) {
    for (const float far : {-80.0F, -1000.0F, 80.0F, 1000.0F}) {
      const Result r = penalty(*backend, {far, far, 0, far, far, 0}, 2, 3, 1, 0.05);
      EXPECT_EQ(r.grad[0], 0) << far;
      EXPECT_EQ(r.grad[1], 0) << far;
      EXPECT_NE(r.grad[2], 0) << far;
      EXPECT_TRUE(std::isfinite(r.penalty)) << far;
    }
  }
}

}  // namespace
}  // namespace hourglass::ops_test
