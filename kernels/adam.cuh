#pragma once

#include <cmath>

#include "hourglass/ops/adam.h"
#include "kernels/device.cuh"

namespace hourglass::cuda {

/// Adam's step on one parameter. The one body that every kernel uses, dense, sparse and replayed:
/// that is what makes a deferred row bit for bit the dense one. Products and sums are fused where
/// it says so and nowhere else (kernels are compiled with -fmad=false). Without kDecay, for
/// constants whose weight_decay is 0, the bits are the same and m and v do not wait for w: the
/// steps of a replay then overlap.
template <bool kDecay = true>
__device__ inline void adam_step(const AdamConstants& adam, const AdamScalars& scalars,
                                 float gradient, float& w, float& m, float& v) {
  const float g = kDecay ? fmaf(adam.weight_decay, w, gradient) : gradient;
  m = fmaf(adam.beta1, m, adam.one_minus_beta1 * g);
  v = fmaf(adam.beta2, v, adam.one_minus_beta2 * g * g);
  w -= scalars.step_size * m / fmaf(sqrtf(v), scalars.inverse_sqrt_correction2, adam.epsilon);
}

/// The step on element c of a row, in memory.
__device__ inline void adam_step_at(const AdamMatrix& rows, const AdamConstants& adam,
                                    const AdamScalars& scalars, std::int64_t row, std::int64_t c,
                                    float gradient) {
  adam_step(adam, scalars, gradient, rows.weight.row(row)[c], rows.first_moment.row(row)[c],
            rows.second_moment.row(row)[c]);
}

}  // namespace hourglass::cuda
