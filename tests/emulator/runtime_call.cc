#include "emulator/runtime_call.h"

#include <atomic>

#include "emulator/block.h"
#include "emulator/device.h"
#include "emulator/leaks.h"
#include "emulator/report.h"
#include "emulator/segmentation_fault.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

std::atomic<const char*> under_way = nullptr;
cudaError_t last_error = cudaSuccess;

}  // namespace

RuntimeCall::RuntimeCall(const char* name) : name_(name) {
  static const bool ready = [] {
    report_segmentation_faults();
    report_leaks_at_exit();
    return true;
  }();
  static_cast<void>(ready);
  if (Block::running()) die("%s is called from a kernel", name);
  if (const char* const other = under_way.exchange(name); other != nullptr) {
    die("%s is called during %s: by another thread, or by work of a stream", name, other);
  }
}

RuntimeCall::~RuntimeCall() { under_way = nullptr; }

cudaError_t remembered(cudaError_t status) {
  if (status != cudaSuccess && status != cudaErrorNotReady) last_error = status;
  return status;
}

cudaError_t obstacle(WhileCapturing capturing) {
  if (n_devices() < 0) return cudaErrorInsufficientDriver;
  if (n_devices() == 0) return cudaErrorNoDevice;
  if (capturing == WhileCapturing::kForbidden && invalidate_captures()) {
    return cudaErrorStreamCaptureUnsupported;
  }
  return cudaSuccess;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaGetLastError() {
  const RuntimeCall call("cudaGetLastError");
  const cudaError_t status = last_error;
  last_error = cudaSuccess;  // what would be sticky, a fault in a kernel, ends the program here
  return status;
}

cudaError_t cudaPeekAtLastError() {
  const RuntimeCall call("cudaPeekAtLastError");
  return last_error;
}

// The driver's own words, of what this one returns.
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorIllegalState:
      return "the operation cannot be performed in the present state";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureIsolation:
      return "dependency created on uncaptured work in another stream";
    case cudaErrorStreamCaptureImplicit:
      return "operation would make the legacy stream depend on a capturing blocking stream";
    case cudaErrorCapturedEvent:
      return "operation not permitted on an event last recorded in a capturing stream";
    case cudaErrorGraphExecUpdateFailure:
      return "the graph update was not performed because it included changes which violated "
             "constraints specific to instantiated graph update";
    default:
      return "unrecognized error code";
  }
}

}  // extern "C"
