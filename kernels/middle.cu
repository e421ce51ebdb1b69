#include "hourglass/core/error.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {

void launch_middle_forward(const MiddleForward&, Gemm&, cudaStream_t) {
  throw Error("MiddleForward: to be written");
}
void launch_middle_backward(const MiddleBackward&, Gemm&, cudaStream_t) {
  throw Error("MiddleBackward: to be written");
}
void launch_middle_update(const MiddleUpdate&, cudaStream_t) {
  throw Error("MiddleUpdate: to be written");
}

}  // namespace hourglass::cuda
