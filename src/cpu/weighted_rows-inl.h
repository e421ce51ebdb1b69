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

template <int kVectors, class Row, class Coefficient, class Use, class Ahead>
HWY_INLINE void weighted_rows_panel(std::int64_t n, std::int64_t c, const Row& row,
                                    const Coefficient& coefficient, const Use& use,
                                    const Ahead& ahead) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  FloatVec sum[kVectors];
#pragma GCC unroll 9
  for (int j = 0; j < kVectors; ++j) sum[j] = hn::Zero(d);
  for (std::int64_t e = 0; e < n; ++e) {
    if (c == 0) ahead(e);
    const float* r = row(e) + c;
    const FloatVec x = hn::Set(d, coefficient(e));
#pragma GCC unroll 9
    for (int j = 0; j < kVectors; ++j) {
      sum[j] = hn::MulAdd(x, hn::LoadU(d, r + j * lanes), sum[j]);
    }
  }
#pragma GCC unroll 9
  for (int j = 0; j < kVectors; ++j) use(c + j * lanes, sum[j]);
}

/// For the vectors at columns c = 0, lanes, 2 lanes, ... < width, in order:
///   use(c, sum over e in [0, n) of coefficient(e) * row(e)[c ..]), summed in the order of e.
/// ahead(e) is called once before entry e is read.
template <class Row, class Coefficient, class Use, class Ahead>
HWY_INLINE void weighted_rows(std::int64_t n, std::int64_t width, const Row& row,
                              const Coefficient& coefficient, const Use& use, const Ahead& ahead) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(FloatTag()));
  std::int64_t c = 0;
  while (c < width) {
    const std::int64_t vectors = (width - c + lanes - 1) / lanes;
    // Nine: with a bias beside them, 128 units are one vector more than eight.
    if (vectors == 9) {
      weighted_rows_panel<9>(n, c, row, coefficient, use, ahead);
      c += 9 * lanes;
    } else if (vectors >= 8) {
      weighted_rows_panel<8>(n, c, row, coefficient, use, ahead);
      c += 8 * lanes;
    } else if (vectors >= 4) {
      weighted_rows_panel<4>(n, c, row, coefficient, use, ahead);
      c += 4 * lanes;
    } else {
      weighted_rows_panel<1>(n, c, row, coefficient, use, ahead);
      c += lanes;
    }
  }
}

template <class Row, class Coefficient, class Use>
HWY_INLINE void weighted_rows(std::int64_t n, std::int64_t width, const Row& row,
                              const Coefficient& coefficient, const Use& use) {
  weighted_rows(n, width, row, coefficient, use, [](std::int64_t) {});
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_WEIGHTED_ROWS_INL_H_
