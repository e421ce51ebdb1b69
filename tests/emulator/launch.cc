#include "emulator/launch.h"

#include <map>
#include <memory>
#include <utility>

#include "emulator/block.h"
#include "emulator/device.h"
#include "emulator/runtime_call.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

std::map<const void*, std::size_t>& opted_in() {
  static auto* const of_kernels = new std::map<const void*, std::size_t>;
  return *of_kernels;
}

cudaError_t check(const Launch& launch) {
  const auto [kernel, grid, block, shared_bytes] = launch;
  const auto none = [](const dim3& size) { return size.x == 0 || size.y == 0 || size.z == 0; };
  if (none(grid) || none(block) || grid.x > kGridX || grid.y > kGridYZ || grid.z > kGridYZ ||
      block.x > kThreadsPerBlock || block.y > kThreadsPerBlock || block.z > kThreadsPerBlockZ ||
      block.x * block.y * block.z > kThreadsPerBlock) {
    return cudaErrorInvalidConfiguration;
  }
  // With the kernel's own arrays it may still be too much: SharedMemory knows when it comes to
  // them.
  const std::size_t most = opted_in_shared_bytes(kernel);
  return shared_bytes > kSharedBytes && shared_bytes > most ? cudaErrorInvalidValue : cudaSuccess;
}

}  // namespace

std::size_t opted_in_shared_bytes(const void* kernel) {
  const auto found = opted_in().find(kernel);
  return found == opted_in().end() ? 0 : found->second;
}

cudaError_t launch_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes,
                          cudaStream_t stream, std::function<void()> body) {
  return runtime_call("launch", WhileCapturing::kAllowed, [&] {
    const Launch launch{kernel, grid, block, shared_bytes};
    if (const cudaError_t status = check(launch); status != cudaSuccess) return status;
    auto run = [launch, body = std::move(body)] { Block::run_grid(launch, body); };
    return submit(stream_of(stream, "launch"),
                  {std::move(run), "kernel", &Counters::kernel_launches, kernel});
  });
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> function, const char* name) {
  return runtime_call(name, WhileCapturing::kAllowed, [&] {
    return submit(stream_of(stream, name),
                  {std::move(function), name, &Counters::library_launches});
  });
}

}  // namespace emulator

using namespace emulator;

// Tells that the kernel is there; its attributes are not modelled.
extern "C" cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  return runtime_call("cudaFuncGetAttributes", WhileCapturing::kAllowed, [&] {
    *attributes = {};
    return cudaSuccess;
  });
}

// Of a kernel's attributes only this one is modelled.
extern "C" cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute,
                                            int value) {
  return runtime_call("cudaFuncSetAttribute", WhileCapturing::kAllowed, [&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) {
      die("cudaFuncSetAttribute: attribute %d is not modelled", static_cast<int>(attribute));
    }
    if (value < 0 || static_cast<std::size_t>(value) > card().shared_bytes_opt_in) {
      return cudaErrorInvalidValue;
    }
    opted_in()[kernel] = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}
