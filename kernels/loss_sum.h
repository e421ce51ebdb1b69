#pragma once

#include <cuda_runtime_api.h>

#include "hourglass/core/ptr.h"

namespace hourglass::cuda {

/// loss[0] = (the sum of n parts) / divisor, by one block in a fixed tree.
void launch_loss_sum(Ptr<const double> parts, std::int64_t n, double divisor, Ptr<double> loss,
                     cudaStream_t stream);

}  // namespace hourglass::cuda
