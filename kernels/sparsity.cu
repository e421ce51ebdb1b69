// The sparse autoencoder's penalty on the code (hourglass/ops/sparsity.h).
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {
namespace {

// A block has kUnits units, whole sectors of a row, and all rows of the batch: kGroups groups of
// kUnits threads take every kGroups-th row. Each computes its sigmoids twice, for the mean and for
// the gradient: cheaper than passing them through memory. A card for games does one operation in
// double where it does 64 in float, so the exponentials are in float, and in double only sums of
// sigmoids, and two logarithms a unit, which nothing waits for.
// Error: a sigmoid's is 4 roundings in float (CUDA's expf: 2 ulp); the means add none. The gradient
// has 3 more, and loses what 1 - s cancels. The penalty: a mean's error times the penalty's slope.
// Bytes: 12 an element.
constexpr unsigned kUnits = 8;
constexpr unsigned kGroups = 16;

/// Beyond float's range e^-x is infinite and the sigmoid 0.
__device__ inline float sigmoid(float x) { return 1 / (1 + expf(-x)); }

__global__ void __launch_bounds__(kUnits* kGroups, 4) sparsity_penalty(SparsityPenalty op) {
  SHARED_ARRAY(double, sums, [kGroups][kUnits]);
  SHARED_ARRAY(float, slopes, [kUnits]);
  const unsigned in_block = threadIdx.x % kUnits, group = threadIdx.x / kUnits;
  const std::int64_t unit = static_cast<std::int64_t>(blockIdx.x) * kUnits + in_block;
  const bool is_unit = unit < op.width;
  double sum = 0;
  for (std::int64_t b = group; is_unit && b < op.n_rows; b += kGroups) {
    sum += static_cast<double>(sigmoid(op.code.row(b)[unit]));
  }
  sums[group][in_block] = sum;
  __syncthreads();
  const double n = static_cast<double>(op.n_rows), t = op.target;
  double r = 0;
  if (group == 0) {
    for (unsigned other = 1; other < kGroups; ++other) sum += sums[other][in_block];
    const double mean = sum / n;
    r = mean < kSparsityClamp ? kSparsityClamp : mean;
    r = r > 1 - kSparsityClamp ? 1 - kSparsityClamp : r;
    const double slope = op.weight / n * ((1 - t) / (1 - r) - t / r);
    slopes[in_block] = r != mean ? 0.0F : static_cast<float>(slope);
  }
  __syncthreads();
  for (std::int64_t b = group; is_unit && b < op.n_rows; b += kGroups) {
    const float s = sigmoid(op.code.row(b)[unit]);
    op.grad.row(b)[unit] = slopes[in_block] * (s * (1 - s));
  }
  if (group == 0 && is_unit) {
    op.unit_penalties[unit] = op.weight * (t * log(t / r) + (1 - t) * log((1 - t) / (1 - r)));
  }
}

// One block: a thread every kSumThreads-th unit, then a fixed tree.
constexpr unsigned kSumThreads = 128;

__global__ void __launch_bounds__(kSumThreads, 1)
    sum_penalties(Ptr<const double> unit_penalties, std::int64_t width, Ptr<double> penalty) {
  double sum = 0;
  for (std::int64_t unit = threadIdx.x; unit < width; unit += kSumThreads) {
    sum += unit_penalties[unit];
  }
  sum = block_sum<kSumThreads>(sum);
  if (threadIdx.x == 0) penalty[0] = sum;
}

}  // namespace

void launch_sparsity_penalty(const SparsityPenalty& op, cudaStream_t stream) {
  launch(sparsity_penalty, {blocks_of(op.width, kUnits), kUnits * kGroups, 0, stream}, op);
  launch(sum_penalties, {1, kSumThreads, 0, stream}, op.unit_penalties, op.width, op.penalty);
}

}  // namespace hourglass::cuda
