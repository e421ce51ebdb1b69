#include "emulator/device.h"

#include <cuda_runtime_api.h>

#include <cstring>

#include "emulator/report.h"
#include "emulator/runtime_call.h"
#include "emulator/warp.h"

namespace emulator {

int n_devices() {
  static const auto n = static_cast<int>(setting("HOURGLASS_EMULATOR_DEVICES", -1, 1));
  if (n > 1) die("HOURGLASS_EMULATOR_DEVICES: more than one device is not modelled");
  return n;
}

std::size_t shared_bytes_opt_in() {
  static const auto bytes = static_cast<std::size_t>(
      setting("HOURGLASS_EMULATOR_SHARED_MEMORY", kSharedBytes, 227 << 10));
  return bytes;
}

std::size_t device_bytes() {
  static const auto bytes =
      static_cast<std::size_t>(setting("HOURGLASS_EMULATOR_MEMORY", 0, 8LL << 30));
  return bytes;
}

namespace {

constexpr int kComputeCapabilityMajor = 9, kComputeCapabilityMinor = 0;
constexpr int kRegisters = 65536;
constexpr int kThreadsPerMultiprocessor = 2048, kBlocksPerMultiprocessor = 32;
constexpr std::size_t kSharedBytesPerMultiprocessor = 228 << 10;
constexpr int kCudaVersion = CUDART_VERSION;

int attribute(cudaDeviceAttr which) {
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      return kThreadsPerBlock;
    case cudaDevAttrMaxBlockDimZ:
      return kThreadsPerBlockZ;
    case cudaDevAttrMaxGridDimX:
      return kGridX;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      return kGridYZ;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return kSharedBytes;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return static_cast<int>(shared_bytes_opt_in());
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return kSharedBytesPerMultiprocessor;
    case cudaDevAttrWarpSize:
      return kLanes;
    case cudaDevAttrMultiProcessorCount:
      return kMultiprocessors;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return kThreadsPerMultiprocessor;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return kBlocksPerMultiprocessor;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return kRegisters;
    case cudaDevAttrComputeCapabilityMajor:
      return kComputeCapabilityMajor;
    case cudaDevAttrComputeCapabilityMinor:
      return kComputeCapabilityMinor;
    default:
      die("cudaDeviceGetAttribute: attribute %d is not modelled", static_cast<int>(which));
  }
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  return runtime_call("cudaGetDeviceCount", WhileCapturing::kAllowed, [&] {
    *count = n_devices();
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return runtime_call("cudaSetDevice", WhileCapturing::kAllowed,
                      [&] { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaGetDevice(int* device) {
  return runtime_call("cudaGetDevice", WhileCapturing::kAllowed, [&] {
    *device = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  return runtime_call("cudaDeviceGetAttribute", WhileCapturing::kAllowed, [&] {
    if (device != 0) return cudaErrorInvalidDevice;
    *value = attribute(which);
    return cudaSuccess;
  });
}

// What is zero is not modelled.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return runtime_call("cudaGetDeviceProperties", WhileCapturing::kAllowed, [&] {
    if (device != 0) return cudaErrorInvalidDevice;
    *properties = {};
    std::strcpy(properties->name, "emulated");
    properties->major = kComputeCapabilityMajor;
    properties->minor = kComputeCapabilityMinor;
    properties->totalGlobalMem = device_bytes();
    properties->multiProcessorCount = kMultiprocessors;
    properties->warpSize = kLanes;
    properties->sharedMemPerBlock = kSharedBytes;
    properties->sharedMemPerBlockOptin = shared_bytes_opt_in();
    properties->sharedMemPerMultiprocessor = kSharedBytesPerMultiprocessor;
    properties->regsPerBlock = properties->regsPerMultiprocessor = kRegisters;
    properties->maxThreadsPerMultiProcessor = kThreadsPerMultiprocessor;
    properties->maxBlocksPerMultiProcessor = kBlocksPerMultiprocessor;
    properties->maxThreadsPerBlock = kThreadsPerBlock;
    properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = kThreadsPerBlock;
    properties->maxThreadsDim[2] = kThreadsPerBlockZ;
    properties->maxGridSize[0] = kGridX;
    properties->maxGridSize[1] = properties->maxGridSize[2] = kGridYZ;
    return cudaSuccess;
  });
}

// Without a driver, too, these answer.
cudaError_t cudaDriverGetVersion(int* version) {
  *version = n_devices() < 0 ? 0 : kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kCudaVersion;
  return cudaSuccess;
}

}  // extern "C"
