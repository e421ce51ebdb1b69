// Products of small row-major matrices, per target: included by kernels_*.cc under
// foreach_target.h.
#if defined(HOURGLASS_CPU_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_MATMUL_INL_H_
#undef HOURGLASS_CPU_MATMUL_INL_H_
#else
#define HOURGLASS_CPU_MATMUL_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "cpu/work_count.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// A tile is kTileRows x 2 vectors of sums in registers: 12 + 3 of AVX2's 16, 24 + 3 of
// AVX-512's 32.
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

/// The inner dimension of a product: all of 0 .. n - 1, or the n of `ids`, ascending. Leaving out
/// what is zero in one operand leaves every sum as it is, to the bit.
struct Inner {
  constexpr Inner(std::int64_t size, const std::int32_t* listed = nullptr)  // NOLINT: implicit
      : n(size), ids(listed) {}
  std::int64_t n;
  const std::int32_t* ids;
};

/// What a product does beside its sums, once every step of the inner dimension: nothing.
struct Nothing {
  HWY_INLINE void operator()() const {}
};

// c[i, 0:vectors] (+)= sum_k a(i, k) b[k, 0:vectors]. Every element is one chain of multiply-adds
// in k order, whatever the tile: so its bits do not depend on how the matrix is cut.
template <int kRows, int kVectors, bool kAccumulate, bool kListed, class Beside>
HWY_INLINE void matmul_tile(const Inner& inner, const Operand& a, const float* HWY_RESTRICT b,
                            std::int64_t b_stride, float* HWY_RESTRICT c, std::int64_t c_stride,
                            Beside& beside) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  count_work({.tiles = 1,
              .multiply_adds = inner.n * kRows * kVectors,
              .bytes = 4 * (inner.n * (kRows + kVectors * lanes) +
                            (kAccumulate ? 2 : 1) * kRows * kVectors * lanes)});
  FloatVec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = kAccumulate ? hn::LoadU(d, c + i * c_stride + j * lanes) : hn::Zero(d);
    }
  }
  const float* a_k = a.data;
  const float* b_row = b;
  for (std::int64_t k = 0; k < inner.n; ++k) {
    if constexpr (kListed) {
      a_k = a.data + inner.ids[k] * a.inner_stride;
      b_row = b + inner.ids[k] * b_stride;
    }
    beside();
    FloatVec b_k[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) b_k[j] = hn::LoadU(d, b_row + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const FloatVec a_ik = hn::Set(d, a_k[i * a.row_stride]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(a_ik, b_k[j], sum[i][j]);
    }
    if constexpr (!kListed) {
      a_k += a.inner_stride;
      b_row += b_stride;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[i][j], d, c + i * c_stride + j * lanes);
  }
}

template <int kRows, int kVectors, bool kAccumulate, bool kListed, class Beside>
HWY_INLINE void matmul_rows(std::int64_t rows, const Inner& inner, Operand a, const float* b,
                            std::int64_t b_stride, float* c, std::int64_t c_stride,
                            Beside& beside) {
  while (rows >= kRows) {
    matmul_tile<kRows, kVectors, kAccumulate, kListed>(inner, a, b, b_stride, c, c_stride, beside);
    a.data += kRows * a.row_stride;
    c += kRows * c_stride;
    rows -= kRows;
  }
  if constexpr (kRows > 1) {
    if (rows > 0) {
      // Eight chains of sums are what keeps a processor busy: 4 x 2 are enough, 3 x 2 are not.
      constexpr int kFewer = kRows > 8 ? 8 : kRows > 4 ? 4 : kRows / 2;
      matmul_rows<kFewer, kVectors, kAccumulate, kListed>(rows, inner, a, b, b_stride, c, c_stride,
                                                          beside);
    }
  }
}

/// c [rows x columns] (+)= a [rows x inner] b [inner x columns]. Works in whole vectors: b is read
/// and c written up to `columns` rounded up to a vector, so both need padded rows. With kUpper,
/// only the upper triangle (j >= i) is promised; tiles wholly below it are skipped. kListed:
/// inner.ids is set. `beside` is called at every step of every tile's sums.
template <bool kAccumulate, bool kUpper = false, bool kListed = false, class Beside = const Nothing>
HWY_INLINE void matmul(std::int64_t rows, std::int64_t columns, const Inner& inner,
                       const Operand& a, const float* b, std::int64_t b_stride, float* c,
                       std::int64_t c_stride, Beside&& beside = {}) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < columns;) {
    const bool wide = columns - j > lanes;
    const std::int64_t width = wide ? 2 * lanes : lanes;
    const std::int64_t n = kUpper ? std::min(rows, j + width) : rows;
    if (wide) {
      matmul_rows<kTileRows, 2, kAccumulate, kListed>(n, inner, a, b + j, b_stride, c + j, c_stride,
                                                      beside);
    } else {
      matmul_rows<kTileRows, 1, kAccumulate, kListed>(n, inner, a, b + j, b_stride, c + j, c_stride,
                                                      beside);
    }
    j += width;
  }
}

/// Asks for rows that are read soon, of kArrays arrays of one stride side by side: a cache line of each
/// every time it is called.
template <int kArrays>
class RowsAhead {
 public:
  /// Rows from `row` on, none from end_row on.
  RowsAhead(const std::array<const float*, kArrays>& arrays, std::int64_t stride, std::int64_t row,
            std::int64_t end_row)
      : arrays_(arrays), stride_(stride), next_(row * stride), end_(end_row * stride) {}

  /// No further than `row` until the next such call.
  void reach(std::int64_t row) { reach_ = std::min(row * stride_, end_); }
  bool any() const { return next_ < reach_; }  ///< left to ask for
  HWY_INLINE void operator()() {
    if (next_ >= reach_) return;
    // Into the second level: the first is full of the operands.
    for (const float* array : arrays_) __builtin_prefetch(array + next_, 0, 2);
    next_ += 64 / sizeof(float);
  }

 private:
  std::array<const float*, kArrays> arrays_;
  std::int64_t stride_, next_, end_, reach_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_MATMUL_INL_H_
