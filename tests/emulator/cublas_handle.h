#pragma once

#include <cublas_v2.h>

#include <cstddef>
#include <memory>

#include "emulator/stream.h"

namespace emulator {

struct CublasHandle {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;
  const void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

/// Ends the program, naming the caller, where there is none.
std::shared_ptr<CublasHandle> cublas_handle_of(cublasHandle_t handle, const char* caller);
std::size_t n_cublas_handles();

}  // namespace emulator
