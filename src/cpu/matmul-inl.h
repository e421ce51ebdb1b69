// Products of small row-major matrices, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_MATMUL_INL_H_
#undef HOURGLASS_CPU_MATMUL_INL_H_
#else
#define HOURGLASS_CPU_MATMUL_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// A tile is kTileRows x 2 vectors of sums in registers: 12 + 3 of AVX2's 16, 24 + 3 of AVX-512's 32.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr int kTileRows = 12;
#else
inline constexpr int kTileRows = 6;
#endif

/// Keeps NaN, as PyTorch's does: a maximum with zero may not, and would hide that training has gone
/// wrong.
HWY_INLINE FloatVec relu(FloatVec x) {
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(FloatTag())), x);
}

/// An operand read by elements: (i, k) at data[i * row_stride + k * inner_stride]. Swapping the
/// strides transposes it.
struct Operand {
  const float* data;
  std::int64_t row_stride, inner_stride;
};

// c[i, 0:vectors] (+)= sum_k a(i, k) b[k, 0:vectors]. Every element is one chain of multiply-adds in k
// order, whatever the tile: so its bits do not depend on how the matrix is cut.
template <int kRows, int kVectors, bool kAccumulate>
HWY_INLINE void matmul_tile(std::int64_t inner, const Operand& a, const float* HWY_RESTRICT b,
                            std::int64_t b_stride, float* HWY_RESTRICT c, std::int64_t c_stride) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  FloatVec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = kAccumulate ? hn::LoadU(d, c + i * c_stride + j * lanes) : hn::Zero(d);
    }
  }
  const float* a_k = a.data;
  for (std::int64_t k = 0; k < inner; ++k, a_k += a.inner_stride, b += b_stride) {
    FloatVec b_k[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) b_k[j] = hn::LoadU(d, b + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const FloatVec a_ik = hn::Set(d, a_k[i * a.row_stride]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(a_ik, b_k[j], sum[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[i][j], d, c + i * c_stride + j * lanes);
  }
}

template <int kRows, int kVectors, bool kAccumulate>
HWY_INLINE void matmul_rows(std::int64_t rows, std::int64_t inner, Operand a, const float* b,
                            std::int64_t b_stride, float* c, std::int64_t c_stride) {
  while (rows >= kRows) {
    matmul_tile<kRows, kVectors, kAccumulate>(inner, a, b, b_stride, c, c_stride);
    a.data += kRows * a.row_stride;
    c += kRows * c_stride;
    rows -= kRows;
  }
  if constexpr (kRows > 1) {
    if (rows > 0) {
      matmul_rows<(kRows > 2 ? kRows / 2 : 1), kVectors, kAccumulate>(rows, inner, a, b, b_stride, c,
                                                                      c_stride);
    }
  }
}

/// c [rows x columns] (+)= a [rows x inner] b [inner x columns]. Works in whole vectors: b is read and
/// c written up to `columns` rounded up to a vector, so both need padded rows. With kUpper, only
/// the upper triangle (j >= i) is promised; tiles wholly below it are skipped.
template <bool kAccumulate, bool kUpper = false>
HWY_INLINE void matmul(std::int64_t rows, std::int64_t columns, std::int64_t inner, const Operand& a,
                       const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < columns;) {
    const bool wide = columns - j > lanes;
    const std::int64_t width = wide ? 2 * lanes : lanes;
    const std::int64_t n = kUpper ? std::min(rows, j + width) : rows;
    if (wide) {
      matmul_rows<kTileRows, 2, kAccumulate>(n, inner, a, b + j, b_stride, c + j, c_stride);
    } else {
      matmul_rows<kTileRows, 1, kAccumulate>(n, inner, a, b + j, b_stride, c + j, c_stride);
    }
    j += width;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_MATMUL_INL_H_
