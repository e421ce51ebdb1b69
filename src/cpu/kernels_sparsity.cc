#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_sparsity.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include <algorithm>
#include <cmath>

#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

// 1 / (1 + e^-x). From x = -87 on e^-x would leave float's range: the sigmoid is below 2^-125
// there.
HWY_INLINE FloatVec sigmoid(FloatVec x) {
  const FloatTag d;
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec y = hn::Neg(hn::Max(hn::Set(d, -87.0F), x));
  return hn::Div(one, hn::Add(one, hn::Exp(d, y)));
}

void sparsity_penalty(const SparsityPenalty& op, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  constexpr std::int64_t kBlock = kRowAlignment;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const double n = static_cast<double>(op.n_rows), t = op.target;
  for (std::int64_t first = begin * kBlock; first < std::min(end * kBlock, op.width);
       first += kBlock) {
    // The sigmoids pass through grad: one exponential an element.
    double sums[kBlock] = {};
    for (std::int64_t b = 0; b < op.n_rows; ++b) {
      float* s = op.grad.row(b) + first;
      for (std::int64_t c = 0; c < kBlock; c += lanes) {
        hn::StoreU(sigmoid(hn::LoadU(d, op.code.row(b) + first + c)), d, s + c);
      }
      for (std::int64_t c = 0; c < kBlock; ++c) sums[c] += static_cast<double>(s[c]);
    }
    float slopes[kBlock] = {};
    for (std::int64_t c = 0; c < std::min(kBlock, op.width - first); ++c) {
      const double mean = sums[c] / n;
      const double r = std::clamp(mean, kSparsityClamp, 1 - kSparsityClamp);
      op.unit_penalties[first + c] =
          op.weight * (t * std::log(t / r) + (1 - t) * std::log((1 - t) / (1 - r)));
      if (r == mean) slopes[c] = static_cast<float>(op.weight / n * ((1 - t) / (1 - r) - t / r));
    }
    for (std::int64_t b = 0; b < op.n_rows; ++b) {
      float* grad = op.grad.row(b) + first;
      for (std::int64_t c = 0; c < kBlock; c += lanes) {
        const FloatVec s = hn::LoadU(d, grad + c);
        const FloatVec slope = hn::LoadU(d, slopes + c);
        const FloatVec derivative = hn::Mul(s, hn::Sub(hn::Set(d, 1.0F), s));
        hn::StoreU(hn::Mul(slope, derivative), d, grad + c);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(sparsity_penalty);

void sparsity_penalty(const SparsityPenalty& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(sparsity_penalty)(op, begin, end);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
