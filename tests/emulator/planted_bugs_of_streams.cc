#include <cublas_v2.h>

#include <vector>

#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "emulator/planted_bugs.h"

namespace planted {
namespace {

using emulator::DeviceArray;
using emulator::launch;

__global__ void set(float* values, float x) { values[threadIdx.x] = x; }
__global__ void copy(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }

struct TwoStreams {
  TwoStreams() {
    cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking);
  }
  ~TwoStreams() {
    cudaStreamDestroy(first);
    cudaStreamDestroy(second);
  }
  cudaStream_t first, second;
};

bool early_host_read(bool bug) {
  const TwoStreams streams;
  const DeviceArray<float> value(1);
  void* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(float));
  launch(set, 1, 1, 0, streams.first, value.get(), 1.0F);
  cudaMemcpyAsync(pinned, value.get(), sizeof(float), cudaMemcpyDeviceToHost, streams.first);
  if (!bug) cudaStreamSynchronize(streams.first);
  const bool right = *static_cast<const float*>(pinned) == 1;
  cudaFreeHost(pinned);
  return right;
}

/// Pinned memory is read when the copy's turn comes.
bool early_host_write(bool bug) {
  const TwoStreams streams;
  const DeviceArray<float> value(1);
  void* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(float));
  *static_cast<float*>(pinned) = 1;
  cudaMemcpyAsync(value.get(), pinned, sizeof(float), cudaMemcpyHostToDevice, streams.first);
  if (!bug) cudaStreamSynchronize(streams.first);
  *static_cast<float*>(pinned) = 2;
  cudaStreamSynchronize(streams.first);
  cudaFreeHost(pinned);
  return value.values()[0] == 1;
}

bool missing_wait_for_event(bool bug) {
  const TwoStreams streams;
  const DeviceArray<float> value(1), copied(1);
  cudaEvent_t set_done = nullptr;
  cudaEventCreateWithFlags(&set_done, cudaEventDisableTiming);
  launch(set, 1, 1, 0, streams.first, value.get(), 1.0F);
  cudaEventRecord(set_done, streams.first);
  if (!bug) cudaStreamWaitEvent(streams.second, set_done, 0);
  launch(copy, 1, 1, 0, streams.second, value.get(), copied.get());
  cudaStreamSynchronize(streams.second);
  cudaDeviceSynchronize();
  cudaEventDestroy(set_done);
  return copied.values()[0] == 1;
}

bool leaked_device_memory(bool bug) {
  void* memory = nullptr;
  cudaMalloc(&memory, 100);
  if (!bug) cudaFree(memory);
  return true;
}

bool leaked_pinned_memory(bool bug) {
  void* memory = nullptr;
  cudaMallocHost(&memory, 100);
  if (!bug) cudaFreeHost(memory);
  return true;
}

bool leaked_stream(bool bug) {
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);
  if (!bug) cudaStreamDestroy(stream);
  return true;
}

bool leaked_event(bool bug) {
  cudaEvent_t event = nullptr;
  cudaEventCreate(&event);
  if (!bug) cudaEventDestroy(event);
  return true;
}

bool leaked_graph(bool bug) {
  const TwoStreams streams;
  const DeviceArray<float> value(1);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamBeginCapture(streams.first, cudaStreamCaptureModeGlobal);
  launch(set, 1, 1, 0, streams.first, value.get(), 1.0F);
  cudaStreamEndCapture(streams.first, &graph);
  cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  if (!bug) cudaGraphExecDestroy(executable);
  return true;
}

bool leaked_cublas_handle(bool bug) {
  cublasHandle_t handle = nullptr;
  cublasCreate_v2(&handle);
  if (!bug) cublasDestroy_v2(handle);
  return true;
}

constexpr Bug kBugs[] = {
    {"early_host_read", early_host_read},
    {"early_host_write", early_host_write},
    {"missing_wait_for_event", missing_wait_for_event},
    {"leaked_device_memory", leaked_device_memory},
    {"leaked_pinned_memory", leaked_pinned_memory},
    {"leaked_stream", leaked_stream},
    {"leaked_event", leaked_event},
    {"leaked_graph", leaked_graph},
    {"leaked_cublas_handle", leaked_cublas_handle},
};

}  // namespace

std::span<const Bug> bugs_of_streams() { return kBugs; }

}  // namespace planted
