#pragma once

#include <cuda_runtime_api.h>

namespace emulator {

/// What every function of the runtime and of cuBLAS begins with and ends with. Ends the program
/// where the call comes from a kernel, from work of a stream, or while another thread is in one.
class RuntimeCall {
 public:
  explicit RuntimeCall(const char* name);
  ~RuntimeCall();
  RuntimeCall(const RuntimeCall&) = delete;
  RuntimeCall& operator=(const RuntimeCall&) = delete;

  const char* name() const { return name_; }

 private:
  const char* name_;
};

/// What cudaGetLastError will say, unless all is well. Returns it.
cudaError_t remembered(cudaError_t status);

/// While a stream is being captured, CUDA forbids what may wait or allocate.
enum class WhileCapturing { kAllowed, kForbidden };

/// No card, or a capture in the way (which is then invalid); cudaSuccess where the call may go on.
cudaError_t obstacle(WhileCapturing capturing);

/// A function of the runtime: its body returns a status.
template <class Body>
cudaError_t runtime_call(const char* name, WhileCapturing capturing, Body body) {
  const RuntimeCall call(name);
  const cudaError_t status = obstacle(capturing);
  return remembered(status == cudaSuccess ? body() : status);
}

}  // namespace emulator
