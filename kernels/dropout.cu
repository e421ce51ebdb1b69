// Dropout on the input (hourglass/ops/batch.h).
#include "hourglass/core/philox.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

// After device.cuh, whose words it is written in.
#include <curand_philox4x32_x.h>

namespace hourglass::cuda {
namespace {

// A block a row of the batch, a thread every kThreads-th of its ratings, by cuRAND's own device
// generator: 10 rounds, some 100 instructions. Numerics: the same integers as core/philox.h's, and
// one product. Bytes: 12 a rating.
constexpr unsigned kThreads = 64;

__global__ void __launch_bounds__(kThreads, 16) dropout_input(DropoutInput op) {
  const CsrPtr& ratings = op.batch.ratings;
  const std::int64_t b = blockIdx.x;
  const std::int32_t row = op.batch.rows[b];
  const std::int64_t first = ratings.row_offsets[row];
  const std::int64_t n = ratings.row_offsets[row + 1] - first;
  float* values = op.values.raw() + op.row_begin[b];
  const uint2 key = {static_cast<std::uint32_t>(op.seed),
                     static_cast<std::uint32_t>(op.seed >> 32)};
  for (std::int64_t e = threadIdx.x; e < n; e += kThreads) {
    const uint4 counter = {static_cast<std::uint32_t>(RandomPurpose::kDropout), op.draw,
                           static_cast<std::uint32_t>(row),
                           static_cast<std::uint32_t>(ratings.columns[first + e])};
    const bool drop = uniform(curand_Philox4x32_10(counter, key).x) < op.probability;
    values[e] = drop ? 0 : ratings.values[first + e] * op.scale;
  }
  if (threadIdx.x == 0) op.values[op.row_begin[op.batch.n_rows] + b] = 1;
}

}  // namespace

void launch_dropout_input(const DropoutInput& op, cudaStream_t stream) {
  launch(dropout_input, {static_cast<unsigned>(op.batch.n_rows), kThreads, 0, stream}, op);
}

}  // namespace hourglass::cuda
