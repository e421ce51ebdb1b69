// Sums of squares, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_SQUARES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_SQUARES_INL_H_
#undef HOURGLASS_CPU_SQUARES_INL_H_
#else
#define HOURGLASS_CPU_SQUARES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// The sum in double of value(i)^2, i in [0, n), in an order that a compiler can make vectors of:
/// 16 sums side by side, as many for every instruction set. value is called once for each i.
template <class Value>
HWY_INLINE double sum_of_squares(std::int64_t n, const Value& value) {
  constexpr std::int64_t kLanes = 16;
  double sums[kLanes] = {};
  const std::int64_t whole = n / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double x = value(i + lane);
      sums[lane] += x * x;
    }
  }
  for (std::int64_t i = whole; i < n; ++i) {
    const double x = value(i);
    sums[i - whole] += x * x;
  }
  double sum = 0;
  for (const double s : sums) sum += s;
  return sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_SQUARES_INL_H_
