// The one source that is compiled for AVX-512 with bfloat16 whatever the machine: nothing of it
// runs before has_bf16_product() has looked. Highway 1.0 has no such target.
#include "cpu/bf16_product.h"

#ifdef __AVX512BF16__

// No standard header: an inline function of one, compiled here for AVX-512, might be the copy that
// the linker takes for all.
#include <immintrin.h>

namespace hourglass::cpu {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr int kTileRows = 12;
constexpr __mmask16 kAll = 0xFFFF;

__mmask16 first_lanes(std::int64_t n) {
  return n >= kLanes ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << n) - 1);
}

// Word i: (low[i], high[i]).
__m512i pairs_of(__m512 low, __m512 high) {
  const auto halves = [](__m512 x) {
    return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  };
  return _mm512_or_si512(halves(low), _mm512_slli_epi32(halves(high), 16));
}

// The left factor as words: (i, p) at words[i * row_stride + p * pair_stride].
struct Rows {
  const Bf16Pair* words;
  std::int64_t row_stride, pair_stride;
};

Rows pack_rows(std::int64_t rows, std::int64_t inner, const float* a, std::int64_t row_stride,
               std::int64_t inner_stride, Bf16Pair* words) {
  const std::int64_t n_pairs = (inner + 1) / 2;
  if (inner_stride == 1) {
    const std::int64_t stride = n_pairs + kLanes;
    for (std::int64_t i = 0; i < rows; ++i) {
      const float* row = a + i * row_stride;
      for (std::int64_t k = 0; k < inner; k += 2 * kLanes) {
        const __m512 low = _mm512_maskz_loadu_ps(first_lanes(inner - k), row + k);
        const std::int64_t rest = inner - k > kLanes ? inner - k - kLanes : 0;
        const __m512 high = _mm512_maskz_loadu_ps(first_lanes(rest), row + k + kLanes);
        _mm512_storeu_si512(words + i * stride + k / 2,
                            reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
      }
    }
    return {words, stride, 1};
  }
  const std::int64_t stride = rows + kLanes;
  for (std::int64_t p = 0; p < n_pairs; ++p) {
    const float* row = a + 2 * p * inner_stride;
    for (std::int64_t i = 0; i < rows; i += kLanes) {
      const __mmask16 mask = first_lanes(rows - i);
      const __m512 low = _mm512_maskz_loadu_ps(mask, row + i);
      const __m512 high = 2 * p + 1 < inner ? _mm512_maskz_loadu_ps(mask, row + inner_stride + i)
                                            : _mm512_setzero_ps();
      _mm512_storeu_si512(words + p * stride + i, pairs_of(low, high));
    }
  }
  return {words, 1, stride};
}

template <int kRows, int kVectors, bool kAccumulate>
void tile(std::int64_t n_pairs, const Rows& a, const Bf16Pair* b, float* c, std::int64_t c_stride,
          __mmask16 last) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = kAccumulate ? _mm512_maskz_loadu_ps(j + 1 == kVectors ? last : kAll,
                                                      c + i * c_stride + j * kLanes)
                              : _mm512_setzero_ps();
    }
  }
  const Bf16Pair* words = a.words;
  for (std::int64_t p = 0; p < n_pairs; ++p, words += a.pair_stride, b += kVectors * kLanes) {
    __m512bh b_p[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      b_p[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + j * kLanes));
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const auto a_ip =
          reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(words[i * a.row_stride])));
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], a_ip, b_p[j]);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      _mm512_mask_storeu_ps(c + i * c_stride + j * kLanes, j + 1 == kVectors ? last : kAll,
                            sum[i][j]);
    }
  }
}

template <int kRows, int kVectors, bool kAccumulate>
void panel(std::int64_t rows, std::int64_t n_pairs, Rows a, const Bf16Pair* b, float* c,
           std::int64_t c_stride, __mmask16 last) {
  for (; rows >= kRows; rows -= kRows) {
    tile<kRows, kVectors, kAccumulate>(n_pairs, a, b, c, c_stride, last);
    a.words += kRows * a.row_stride;
    c += kRows * c_stride;
  }
  if constexpr (kRows > 1) {
    constexpr int kFewer = kRows > 8 ? 8 : kRows > 4 ? 4 : kRows / 2;
    if (rows > 0) panel<kFewer, kVectors, kAccumulate>(rows, n_pairs, a, b, c, c_stride, last);
  }
}

template <bool kAccumulate>
void product(std::int64_t rows, std::int64_t columns, std::int64_t n_pairs, const Rows& a,
             const Bf16Pair* b, float* c, std::int64_t c_stride) {
  for (std::int64_t j = 0; j < columns; j += 2 * kLanes) {
    if (columns - j > kLanes) {
      panel<kTileRows, 2, kAccumulate>(rows, n_pairs, a, b + j * n_pairs, c + j, c_stride,
                                       first_lanes(columns - j - kLanes));
    } else {
      panel<kTileRows, 1, kAccumulate>(rows, n_pairs, a, b + j * n_pairs, c + j, c_stride,
                                       first_lanes(columns - j));
    }
  }
}

}  // namespace

bool has_bf16_product() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

void pack_bf16_columns(std::int64_t inner, const std::int32_t* ids, std::int64_t begin,
                       std::int64_t end, const float* b, std::int64_t b_stride, Bf16Pair* pairs) {
  const auto row_of = [&](std::int64_t k) { return b + (ids != nullptr ? ids[k] : k) * b_stride; };
  const std::int64_t n_pairs = (inner + 1) / 2;
  for (std::int64_t j = begin; j < end; j += 2 * kLanes) {
    const std::int64_t width = end - j > kLanes ? 2 * kLanes : kLanes;
    Bf16Pair* out = pairs + j * n_pairs;
    for (std::int64_t p = 0; p < n_pairs; ++p, out += width) {
      const float* low = row_of(2 * p) + j;
      const float* high = 2 * p + 1 < inner ? row_of(2 * p + 1) + j : nullptr;
      for (std::int64_t i = 0; i < width; i += kLanes) {
        _mm512_storeu_si512(
            out + i, pairs_of(_mm512_loadu_ps(low + i),
                              high != nullptr ? _mm512_loadu_ps(high + i) : _mm512_setzero_ps()));
      }
    }
  }
}

void bf16_product(bool accumulate, std::int64_t rows, std::int64_t columns, const float* a,
                  std::int64_t row_stride, std::int64_t inner_stride, const Bf16Columns& b,
                  float* c, std::int64_t c_stride, Bf16Pair* scratch) {
  const Rows words = pack_rows(rows, b.inner, a, row_stride, inner_stride, scratch);
  const std::int64_t n_pairs = (b.inner + 1) / 2;
  if (accumulate) {
    product<true>(rows, columns, n_pairs, words, b.pairs, c, c_stride);
  } else {
    product<false>(rows, columns, n_pairs, words, b.pairs, c, c_stride);
  }
}

}  // namespace hourglass::cpu

#else

#include <cstdlib>

namespace hourglass::cpu {

bool has_bf16_product() { return false; }
void pack_bf16_columns(std::int64_t, const std::int32_t*, std::int64_t, std::int64_t, const float*,
                       std::int64_t, Bf16Pair*) {
  std::abort();
}
void bf16_product(bool, std::int64_t, std::int64_t, const float*, std::int64_t, std::int64_t,
                  const Bf16Columns&, float*, std::int64_t, Bf16Pair*) {
  std::abort();
}

}  // namespace hourglass::cpu

#endif
