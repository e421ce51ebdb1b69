#include "hourglass/core/error.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {

void launch_sparsity_penalty(const SparsityPenalty&, cudaStream_t) {
  throw Error("SparsityPenalty: to be written");
}

}  // namespace hourglass::cuda
