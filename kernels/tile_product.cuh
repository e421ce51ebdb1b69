#pragma once

#include "kernels/quads.cuh"

namespace hourglass::cuda {

/// One thread's share of a product of tiles in shared memory:
///   sum[r][4 x + e] += sum over k < 4 n_quads of left[r, k] right[x][k, e]
/// Every element is one chain of fmaf in the order of k, however the caller cuts k. For four k a
/// thread loads kRows + 4 kQuads quads for 16 kRows kQuads multiply-adds: 8 x 2 of them are one
/// byte a multiply-add, which is what shared memory delivers. `also(k)` runs once every four k, for
/// sums that ride along in the shadow of the others.
///
/// A product on tensor cores would take this function's place, with the same tiles in memory.
template <int kRows, int kQuads, class Also>
__device__ inline void multiply_tiles(float (&sum)[kRows][4 * kQuads], const float* left,
                                      int left_stride, const float* const (&right)[kQuads],
                                      int right_stride, int n_quads, const Also& also) {
#pragma unroll 1
  for (int k = 0; k < 4 * n_quads; k += 4) {
#pragma unroll
    for (int h = 0; h < 4; h += 2) {
      float a[kRows][2];
#pragma unroll
      for (int r = 0; r < kRows; ++r) load_pair(a[r], left + r * left_stride + k + h);
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float b[4 * kQuads];
#pragma unroll
        for (int x = 0; x < kQuads; ++x) load_quad(b + 4 * x, right[x] + (k + h + e) * right_stride);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
#pragma unroll
          for (int c = 0; c < 4 * kQuads; ++c) sum[r][c] = fmaf(a[r][e], b[c], sum[r][c]);
        }
      }
    }
    also(k);
  }
}

}  // namespace hourglass::cuda
