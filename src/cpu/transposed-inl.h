// Transposing small matrices, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_TRANSPOSED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_TRANSPOSED_INL_H_
#undef HOURGLASS_CPU_TRANSPOSED_INL_H_
#else
#define HOURGLASS_CPU_TRANSPOSED_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// out [columns x out_stride] = the transpose of in [rows x in_stride], whose rows are padded.
HWY_INLINE void transpose(std::int64_t rows, std::int64_t columns, const float* HWY_RESTRICT in,
                          std::int64_t in_stride, float* HWY_RESTRICT out,
                          std::int64_t out_stride) {
  std::int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  // Four rows at a time: what a vector holds of each, four by four within its blocks of 128 bits.
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN float blocks[4][HWY_MAX_BYTES / sizeof(float)];
  for (; r + 4 <= rows; r += 4) {
    const float* from = in + r * in_stride;
    for (std::int64_t c = 0; c < columns; c += lanes) {
      const FloatVec r0 = hn::LoadU(d, from + c), r1 = hn::LoadU(d, from + in_stride + c);
      const FloatVec r2 = hn::LoadU(d, from + 2 * in_stride + c);
      const FloatVec r3 = hn::LoadU(d, from + 3 * in_stride + c);
      const FloatVec even_lower = hn::InterleaveLower(d, r0, r2);
      const FloatVec odd_lower = hn::InterleaveLower(d, r1, r3);
      const FloatVec even_upper = hn::InterleaveUpper(d, r0, r2);
      const FloatVec odd_upper = hn::InterleaveUpper(d, r1, r3);
      hn::Store(hn::InterleaveLower(d, even_lower, odd_lower), d, blocks[0]);
      hn::Store(hn::InterleaveUpper(d, even_lower, odd_lower), d, blocks[1]);
      hn::Store(hn::InterleaveLower(d, even_upper, odd_upper), d, blocks[2]);
      hn::Store(hn::InterleaveUpper(d, even_upper, odd_upper), d, blocks[3]);
      const std::int64_t n = std::min(lanes, columns - c);
      for (std::int64_t i = 0; i < n; ++i) {
        std::memcpy(out + (c + i) * out_stride + r, &blocks[i % 4][i / 4 * 4], 4 * sizeof(float));
      }
    }
  }
#endif
  for (; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) out[c * out_stride + r] = in[r * in_stride + c];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_TRANSPOSED_INL_H_
