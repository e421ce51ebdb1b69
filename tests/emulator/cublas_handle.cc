#include "emulator/cublas_handle.h"

#include <cblas.h>

#include <cstdint>

#include "emulator/arena.h"
#include "emulator/handle_table.h"
#include "emulator/runtime_call.h"

namespace emulator {
namespace {

using Handles = HandleTable<cublasHandle_t, CublasHandle>;

Handles& handles() {
  static auto* const table = new Handles("cuBLAS handle", 0x5000000000);
  return *table;
}

constexpr std::uintptr_t kWorkspaceAlignment = 256;

/// A function of cuBLAS that sets something of a handle.
template <class Body>
cublasStatus_t change(cublasHandle_t handle, const char* name, Body body) {
  const RuntimeCall call(name);
  return body(*cublas_handle_of(handle, name));
}

}  // namespace

std::shared_ptr<CublasHandle> cublas_handle_of(cublasHandle_t handle, const char* caller) {
  return handles().at(handle, caller);
}

std::size_t n_cublas_handles() { return handles().size(); }

}  // namespace emulator

using namespace emulator;

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const RuntimeCall call("cublasCreate");
  if (obstacle(WhileCapturing::kForbidden) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  openblas_set_num_threads(1);  // the machine's other cores run other tests
  *handle = handles().add(std::make_shared<CublasHandle>());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  const RuntimeCall call("cublasDestroy");
  handles().remove(handle, "cublasDestroy");
  return CUBLAS_STATUS_SUCCESS;
}

// By cuBLAS's rules this resets the workspace.
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return change(handle, "cublasSetStream", [&](CublasHandle& of) {
    stream_of(stream, "cublasSetStream");
    of.stream = stream;
    of.workspace = nullptr;
    of.workspace_bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return change(handle, "cublasSetWorkspace", [&](CublasHandle& of) {
    if (reinterpret_cast<std::uintptr_t>(workspace) % kWorkspaceAlignment != 0) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    device_arena().require_inside(workspace, bytes, "cublasSetWorkspace");
    of.workspace = workspace;
    of.workspace_bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
  return change(handle, "cublasSetPointerMode", [&](CublasHandle& of) {
    if (mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    of.pointer_mode = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return change(handle, "cublasSetMathMode", [&](CublasHandle& of) {
    if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH &&
        mode != CUBLAS_TF32_TENSOR_OP_MATH) {
      die("cublasSetMathMode: mode %d is not modelled", static_cast<int>(mode));
    }
    of.math_mode = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    default:
      return "an internal operation failed";
  }
}

}  // extern "C"
