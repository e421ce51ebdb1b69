#include "cuda/backend.h"
#include "hourglass/ops/backend_module.h"

hourglass::Backend* hourglass_open(int abi) {
  return abi == hourglass::kBackendModuleAbi ? new hourglass::cuda::CudaBackend() : nullptr;
}
