#include "emulator/device.h"

#include <cuda_runtime_api.h>

#include <cstdlib>
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

const Card& card() {
  // CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
  static constexpr Card kCards[] = {{"sm_90", 9, 0, 227 << 10, 228 << 10, 2048, 32},
                                    {"sm_86", 8, 6, 99 << 10, 100 << 10, 1536, 16},
                                    {"sm_80", 8, 0, 163 << 10, 164 << 10, 2048, 32},
                                    {"sm_75", 7, 5, 64 << 10, 64 << 10, 1024, 16}};
  static const Card& taken = []() -> const Card& {
    const char* const wish = std::getenv("HOURGLASS_EMULATOR_CARD");
    if (wish == nullptr || *wish == '\0') return kCards[0];
    for (const Card& known : kCards) {
      if (std::strcmp(wish, known.name) == 0) return known;
    }
    die("HOURGLASS_EMULATOR_CARD is '%s', which is not modelled", wish);
  }();
  return taken;
}

std::size_t device_bytes() {
  static const auto bytes =
      static_cast<std::size_t>(setting("HOURGLASS_EMULATOR_MEMORY", 0, 8LL << 30));
  return bytes;
}

namespace {

constexpr int kRegisters = 65536;
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
      return static_cast<int>(card().shared_bytes_opt_in);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return static_cast<int>(card().shared_bytes_of_multiprocessor);
    case cudaDevAttrWarpSize:
      return kLanes;
    case cudaDevAttrMultiProcessorCount:
      return kMultiprocessors;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return card().threads_of_multiprocessor;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return card().blocks_of_multiprocessor;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return kRegisters;
    case cudaDevAttrComputeCapabilityMajor:
      return card().major;
    case cudaDevAttrComputeCapabilityMinor:
      return card().minor;
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
    properties->major = card().major;
    properties->minor = card().minor;
    properties->totalGlobalMem = device_bytes();
    properties->multiProcessorCount = kMultiprocessors;
    properties->warpSize = kLanes;
    properties->sharedMemPerBlock = kSharedBytes;
    properties->sharedMemPerBlockOptin = card().shared_bytes_opt_in;
    properties->sharedMemPerMultiprocessor = card().shared_bytes_of_multiprocessor;
    properties->regsPerBlock = properties->regsPerMultiprocessor = kRegisters;
    properties->maxThreadsPerMultiProcessor = card().threads_of_multiprocessor;
    properties->maxBlocksPerMultiProcessor = card().blocks_of_multiprocessor;
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
