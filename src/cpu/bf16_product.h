#pragma once

#include <cstdint>

// Products of factors rounded to bfloat16, sums in float, by AVX-512's own instruction for it
// (vdpbf16ps). Pairs of the inner dimension lie in one 32-bit word, the lower index in the lower
// half.
namespace hourglass::cpu {

using Bf16Pair = std::uint32_t;

/// Whether the processor has the instruction, and the compiler knew it.
bool has_bf16_product();

/// The right factor of a product, b [inner x columns], packed in panels of up to 32 columns.
struct Bf16Columns {
  const Bf16Pair* pairs;
  std::int64_t inner;
};
/// Pairs of one.
constexpr std::int64_t bf16_columns_size(std::int64_t inner, std::int64_t columns) {
  return (inner + 1) / 2 * ((columns + 15) / 16 * 16);
}
/// Row k of the factor is row ids[k] of b, or row k without ids. b is read in whole vectors of 16:
/// its rows are padded. Columns [begin, end) alone are packed; begin must be a multiple of 32.
void pack_bf16_columns(std::int64_t inner, const std::int32_t* ids, std::int64_t begin,
                       std::int64_t end, const float* b, std::int64_t b_stride, Bf16Pair* pairs);

/// Pairs of scratch for the left factor of a product, packed as well.
constexpr std::int64_t bf16_rows_size(std::int64_t rows, std::int64_t inner) {
  return (rows + 16) * ((inner + 1) / 2 + 16);
}
/// c [rows x columns] (+)= a [rows x b.inner] b. Element (i, k) of a is a[i * row_stride + k *
/// inner_stride], and one of the strides must be 1. No other column of c is written: the vectors of
/// the kernels round this may be narrower.
void bf16_product(bool accumulate, std::int64_t rows, std::int64_t columns, const float* a,
                  std::int64_t row_stride, std::int64_t inner_stride, const Bf16Columns& b,
                  float* c, std::int64_t c_stride, Bf16Pair* scratch);

}  // namespace hourglass::cpu
