#pragma once

#include "kernels/float4.cuh"

namespace hourglass::cuda {

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

/// How the kernels of the output layer cut a row of `width` units: into quads, and, where one unit
/// is left over, that one alone. It mostly is: a hidden width is a multiple of four, and the bias
/// comes on top. A fifth quad for it would cost as much as four units do.
struct Units {
  int width = 0;
  int quads = 0;      ///< the last may reach into the row's padding
  bool lone = false;  ///< whether unit width - 1 is in no quad

  constexpr explicit Units(std::int64_t units)
      : width(static_cast<int>(units)), quads(width / 4 + (width % 4 > 1)), lone(width % 4 == 1) {}

  /// Units that are in quads, without padding.
  constexpr int in_quads() const { return lone ? width - 1 : width; }
  /// Floats from row to row in shared memory. One quad more than a multiple of four units: the lone
  /// unit's, and a shift of the banks from row to row.
  constexpr int stride() const { return 4 * quads + 4; }
};

}  // namespace hourglass::cuda
