#pragma once

#include <cmath>

#include "kernels/device.cuh"

namespace hourglass::cuda {

/// Four floats by one 16-byte load. Rows of matrices are padded to whole vectors (core/ptr.h), so
/// that the vector that holds a row's last float may be read whole.
__device__ inline float4 load4(const float* aligned) {
  return *reinterpret_cast<const float4*>(aligned);
}

__device__ inline void store4(float* aligned, float4 values) {
  *reinterpret_cast<float4*>(aligned) = values;
}

/// sum += x y, each product fused with its sum.
__device__ inline void add_product(float x, const float4& y, float4& sum) {
  sum.x = fmaf(x, y.x, sum.x);
  sum.y = fmaf(x, y.y, sum.y);
  sum.z = fmaf(x, y.z, sum.z);
  sum.w = fmaf(x, y.w, sum.w);
}

/// sum + x . y, one chain of fused products.
__device__ inline float add_dot(const float4& x, const float4& y, float sum) {
  return fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, fmaf(x.x, y.x, sum))));
}

/// Float `at` of the sum of n rows that n groups of threads have left in shared memory, in order.
template <unsigned kVectors>
__device__ inline float add_shares(const float4 (*shares)[kVectors], unsigned n, unsigned at) {
  float sum = 0;
  for (unsigned group = 0; group < n; ++group) {
    sum += reinterpret_cast<const float*>(shares[group])[at];
  }
  return sum;
}

}  // namespace hourglass::cuda
