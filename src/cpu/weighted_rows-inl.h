// The sparse product's inner loop, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_
#undef HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_
#else
#define HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// Asks for a row that is read soon.
HWY_INLINE void prefetch_row(const float* row, std::int64_t width) {
  constexpr std::int64_t kLine = 64 / sizeof(float);
  for (std::int64_t c = 0; c < width; c += kLine) __builtin_prefetch(row + c, 0, 3);
}

template <int kVectors, class Row, class Coefficient, class Use>
HWY_INLINE void weighted_rows_panel(std::int64_t n, std::int64_t c, const Row& row,
                                    const Coefficient& coefficient, const Use& use) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  FloatVec sum[kVectors];
#pragma GCC unroll 8
  for (int j = 0; j < kVectors; ++j) sum[j] = hn::Zero(d);
  for (std::int64_t e = 0; e < n; ++e) {
    const float* r = row(e) + c;
    const FloatVec x = hn::Set(d, coefficient(e));
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      sum[j] = hn::MulAdd(x, hn::LoadU(d, r + j * lanes), sum[j]);
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < kVectors; ++j) use(c + j * lanes, sum[j]);
}

/// For the vectors at columns c = 0, lanes, 2 lanes, ... < width, in order:
///   use(c, sum over e in [0, n) of coefficient(e) * row(e)[c ..]), summed in the order of e.
template <class Row, class Coefficient, class Use>
HWY_INLINE void weighted_rows(std::int64_t n, std::int64_t width, const Row& row,
                              const Coefficient& coefficient, const Use& use) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(FloatTag()));
  std::int64_t c = 0;
  for (; c + 7 * lanes < width; c += 8 * lanes) {
    weighted_rows_panel<8>(n, c, row, coefficient, use);
  }
  for (; c + 3 * lanes < width; c += 4 * lanes) {
    weighted_rows_panel<4>(n, c, row, coefficient, use);
  }
  for (; c < width; c += lanes) weighted_rows_panel<1>(n, c, row, coefficient, use);
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_
