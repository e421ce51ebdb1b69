#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <source_location>

namespace hourglass::cuda {

/// Throws Error, with CUDA's own words and the caller's place, where the call failed.
void check(cudaError_t status, const std::source_location& where = std::source_location::current());
void check(cublasStatus_t status,
           const std::source_location& where = std::source_location::current());

}  // namespace hourglass::cuda
