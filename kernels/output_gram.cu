#include "hourglass/core/error.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {

void launch_output_gram(const OutputGram&, cudaStream_t) {
  throw Error("OutputGram: to be written");
}
void launch_output_gram_loss(const OutputGramLoss&, cudaStream_t) {
  throw Error("OutputGramLoss: to be written");
}
void launch_output_gram_update(const OutputGramUpdate&, cudaStream_t) {
  throw Error("OutputGramUpdate: to be written");
}

}  // namespace hourglass::cuda
