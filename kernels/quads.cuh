#pragma once

#include <cmath>

#include "kernels/device.cuh"

// Four floats at a time: as a float4, for sums that need all four alike, or as part of an array in
// registers, for tiles whose elements are numbered.
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

/// Four floats of an array in registers by one 16-byte access to memory.
__device__ inline void load_quad(float* to, const float* from) {
  const float4 quad = load4(from);
  to[0] = quad.x;
  to[1] = quad.y;
  to[2] = quad.z;
  to[3] = quad.w;
}

/// Two floats by one 8-byte access.
__device__ inline void load_pair(float* to, const float* from) {
  const float2 pair = *reinterpret_cast<const float2*>(from);
  to[0] = pair.x;
  to[1] = pair.y;
}

__device__ inline void store_pair(float* to, const float* from) {
  *reinterpret_cast<float2*>(to) = make_float2(from[0], from[1]);
}

__device__ inline void store_quad(float* to, const float* from) {
  store4(to, make_float4(from[0], from[1], from[2], from[3]));
}

}  // namespace hourglass::cuda
