#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "emulator/arena.h"
#include "emulator/device.h"
#include "emulator/report.h"
#include "emulator/runtime_call.h"
#include "emulator/sanitizers.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

/// Which ways a copy goes, by the memory that its pointers are of.
struct Ways {
  bool from_device, to_device;
};

Ways ways_of(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
             const char* caller) {
  const Ways ways{device_arena().owns(from), device_arena().owns(to)};
  const cudaMemcpyKind actual =
      ways.from_device ? ways.to_device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost
      : ways.to_device ? cudaMemcpyHostToDevice
                       : cudaMemcpyHostToHost;
  if (kind != actual && kind != cudaMemcpyDefault) {
    die("%s: the kind says %d, and the pointers are of kind %d (cudaMemcpyKind)", caller,
        static_cast<int>(kind), static_cast<int>(actual));
  }
  for (const Arena* arena : {&device_arena(), &pinned_arena()}) {
    if (arena->owns(from)) arena->require_inside(from, bytes, caller);
    if (arena->owns(to)) arena->require_inside(to, bytes, caller);
  }
  return ways;
}

Work copy(void* to, const void* from, std::size_t bytes, Ways ways, const char* caller) {
  const auto run = [=] {
    // What leaves the device is a result.
    if (ways.from_device && !ways.to_device) {
      device_arena().require_initialised(from, bytes, caller);
    }
    std::memcpy(to, from, bytes);
  };
  // Of an update's rules for copies: the memory may be another, the ways may not.
  const auto direction = static_cast<std::uintptr_t>(ways.from_device * 2 + ways.to_device);
  return {run, caller, &Counters::copies, reinterpret_cast<const void*>(direction)};
}

/// A copy from pageable memory: read at once, since the caller may change it when the call is over.
Work staged_copy(void* to, const void* from, std::size_t bytes, const char* caller) {
  const auto* const begin = static_cast<const char*>(from);
  auto staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
  return {[to, staged = std::move(staged)] { std::memcpy(to, staged->data(), staged->size()); },
          caller, &Counters::copies};
}

cudaError_t copy_asynchronously(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                                cudaStream_t stream) {
  constexpr const char* kCaller = "cudaMemcpyAsync";
  const std::shared_ptr<Stream> on = stream_of(stream, kCaller);
  if (bytes == 0) return cudaSuccess;
  const Ways ways = ways_of(to, from, bytes, kind, kCaller);
  const auto pageable = [](const void* memory) {
    return !device_arena().owns(memory) && !pinned_arena().owns(memory);
  };
  if (on->capture == nullptr && pageable(from)) {
    if (ways.to_device) ++counted().host_synchronisations;  // CUDA: "might be synchronous"
    return submit(on, staged_copy(to, from, bytes, kCaller));
  }
  const cudaError_t status = submit(on, copy(to, from, bytes, ways, kCaller));
  // "For transfers from device memory to pageable host memory, the function will return only once
  // the copy has completed" (CUDA's API synchronization behavior).
  if (status == cudaSuccess && on->capture == nullptr && pageable(to)) wait_for(end_of(on));
  return status;
}

Work fill(void* memory, int value, std::size_t bytes, const char* caller) {
  if (bytes > 0) device_arena().require_inside(memory, bytes, caller);
  // Of an update's rules for fills: another size "may fail".
  return {[=] { std::memset(memory, value, bytes); }, caller, &Counters::copies,
          reinterpret_cast<const void*>(bytes)};
}

cudaError_t submit_and_wait(Work work) {
  const std::shared_ptr<Stream> on = stream_of(nullptr, work.name);
  const cudaError_t status = submit(on, std::move(work));
  if (status == cudaSuccess) wait_for(end_of(on));
  return status;
}

void free_after_all_work(Arena& arena, void* memory, const char* caller) {
  wait_for_all();
  if (memory != nullptr) arena.free(memory, caller);
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return runtime_call("cudaMalloc", WhileCapturing::kForbidden, [&] {
    *memory = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (bytes > device_bytes() - device_arena().bytes_in_use()) return cudaErrorMemoryAllocation;
    ++counted().allocations;
    *memory = device_arena().allocate(bytes);
    forbid_access(*memory, bytes);  // until the device works: Stream's DeviceTurn
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* memory) {
  return runtime_call("cudaFree", WhileCapturing::kForbidden, [&] {
    free_after_all_work(device_arena(), memory, "cudaFree");
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return runtime_call("cudaMallocHost", WhileCapturing::kForbidden, [&] {
    *memory = nullptr;
    if (bytes == 0) return cudaSuccess;
    ++counted().allocations;
    *memory = pinned_arena().allocate(bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* memory) {
  return runtime_call("cudaFreeHost", WhileCapturing::kForbidden, [&] {
    free_after_all_work(pinned_arena(), memory, "cudaFreeHost");
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return runtime_call("cudaMemGetInfo", WhileCapturing::kAllowed, [&] {
    *total = device_bytes();
    *free = *total - device_arena().bytes_in_use();
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return runtime_call("cudaMemcpyAsync", WhileCapturing::kAllowed,
                      [&] { return copy_asynchronously(to, from, bytes, kind, stream); });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return runtime_call("cudaMemcpy", WhileCapturing::kForbidden, [&] {
    if (bytes == 0) return cudaSuccess;
    const Ways ways = ways_of(to, from, bytes, kind, "cudaMemcpy");
    return submit_and_wait(copy(to, from, bytes, ways, "cudaMemcpy"));
  });
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return runtime_call("cudaMemsetAsync", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Stream> on = stream_of(stream, "cudaMemsetAsync");
    return submit(on, fill(memory, value, bytes, "cudaMemsetAsync"));
  });
}

// Of device memory, as here, it does not wait for the fill.
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  return runtime_call("cudaMemset", WhileCapturing::kForbidden, [&] {
    const std::shared_ptr<Stream> on = stream_of(nullptr, "cudaMemset");
    return submit(on, fill(memory, value, bytes, "cudaMemset"));
  });
}

}  // extern "C"
