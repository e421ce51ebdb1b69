#pragma once

#include "kernels/quads.cuh"

namespace hourglass::cuda {

/// One thread's share of a product of tiles in shared memory:
///   sum[r][4 x + e] += sum over k < 4 n_quads of left[r, k] right[x][k, e]
/// Every element is one chain of fmaf in the order of k, however the caller cuts k. For two k a
/// thread loads kRows pairs and 2 kQuads quads for 8 kRows kQuads multiply-adds: with 8 x 2 of them
/// one byte a multiply-add, which is what shared memory delivers. Four k at a time would save a few
/// instructions and cost the registers that OutputGramUpdate has its sums in. `also(k)` runs once
/// every two k, for sums that ride along in the shadow of the others.
template <int kRows, int kQuads, class Also>
__device__ inline void multiply_tiles(float (&sum)[kRows][4 * kQuads], const float* left,
                                      int left_stride, const float* const (&right)[kQuads],
                                      int right_stride, int n_quads, const Also& also) {
#pragma unroll 1
  for (int k = 0; k < 4 * n_quads; k += 2) {
    float a[kRows][2];
#pragma unroll
    for (int r = 0; r < kRows; ++r) load_pair(a[r], left + r * left_stride + k);
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      float b[4 * kQuads];
#pragma unroll
      for (int x = 0; x < kQuads; ++x) load_quad(b + 4 * x, right[x] + (k + e) * right_stride);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
#pragma unroll
        for (int c = 0; c < 4 * kQuads; ++c) sum[r][c] = fmaf(a[r][e], b[c], sum[r][c]);
      }
    }
    also(k);
  }
}

}  // namespace hourglass::cuda
