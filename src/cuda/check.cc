#include "cuda/check.h"

#include <string>
#include <string_view>

#include "hourglass/core/error.h"

namespace hourglass::cuda {
namespace {

[[noreturn]] void fail(const std::string& what, const std::source_location& where) {
  const std::string_view path = where.file_name();
  throw Error("CUDA: " + what + " (" + std::string(path.substr(path.rfind('/') + 1)) + ":" +
              std::to_string(where.line()) + ")");
}

}  // namespace

void check(cudaError_t status, const std::source_location& where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next call would report this one's fault again
  fail(cudaGetErrorString(status), where);
}

void check(cublasStatus_t status, const std::source_location& where) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(cublasGetStatusString(status), where);
}

}  // namespace hourglass::cuda
