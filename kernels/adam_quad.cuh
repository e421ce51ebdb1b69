#pragma once

#include "kernels/adam.cuh"
#include "kernels/quads.cuh"

namespace hourglass::cuda {

/// Four neighbouring parameters of a row with their moments, in registers: units 4 q .. 4 q + 3, of
/// which the row's padding may be some.
struct AdamQuad {
  float w[4], m[4], v[4];

  __device__ void load(const AdamMatrix& rows, std::int64_t row, int q) {
    load_quad(w, rows.weight.row(row) + 4 * q);
    load_quad(m, rows.first_moment.row(row) + 4 * q);
    load_quad(v, rows.second_moment.row(row) + 4 * q);
  }

  __device__ void step(const AdamConstants& adam, const AdamScalars& scalars, float scale,
                       const float* gradient) {
#pragma unroll
    for (int e = 0; e < 4; ++e) adam_step(adam, scalars, scale * gradient[e], w[e], m[e], v[e]);
  }

  /// Leaves the padding as it is in memory, and as zero in w.
  __device__ void store(const AdamMatrix& rows, std::int64_t row, int q) {
    float* to[] = {rows.weight.row(row) + 4 * q, rows.first_moment.row(row) + 4 * q,
                   rows.second_moment.row(row) + 4 * q};
    if (4 * q + 4 <= rows.width) {
      store_quad(to[0], w);
      store_quad(to[1], m);
      store_quad(to[2], v);
      return;
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (4 * q + e < rows.width) {
        to[0][e] = w[e];
        to[1][e] = m[e];
        to[2][e] = v[e];
      } else {
        w[e] = 0;
      }
    }
  }
};

}  // namespace hourglass::cuda
