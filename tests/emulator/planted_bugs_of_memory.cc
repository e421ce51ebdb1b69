#include <cstring>
#include <vector>

#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "emulator/planted_bugs.h"

namespace planted {
namespace {

using emulator::DeviceArray;
using emulator::launch;

__global__ void set_ones(float* values, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) values[i] = 1;
}
bool set_and_check(unsigned n, unsigned n_written) {
  const DeviceArray<float> values(n);
  launch(set_ones, (n_written + 31) / 32, 32, 0, nullptr, values.get(), n_written);
  return all_are(values.values(), 1);
}
bool write_beyond_end(bool bug) { return set_and_check(33, bug ? 34 : 33); }
bool write_far_beyond_end(bool bug) { return set_and_check(33, bug ? 2000 : 33); }

__global__ void set_before(float* values, int first) { values[first] = 1; }
bool write_before_begin(bool bug) {
  const DeviceArray<float> values(1);
  launch(set_before, 1, 1, 0, nullptr, values.get(), 0);
  if (bug) launch(set_before, 1, 1, 0, nullptr, values.get(), -1);
  return all_are(values.values(), 1);
}

__global__ void copy(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }
bool read_beyond_end(bool bug) {
  const DeviceArray<float> from(bug ? 31 : 32, 1), to(32);
  launch(copy, 1, 32, 0, nullptr, from.get(), to.get());
  return all_are(to.values(), 1);
}

__global__ void count_positive(const float* from, unsigned n, float* count) {
  float positive = 0;
  for (unsigned i = 0; i < n; ++i) positive += from[i] > 0 ? 1.0F : 0.0F;
  *count = positive;
}
bool uninitialised_read(bool bug) {
  const DeviceArray<float> values(32), count(1);
  launch(set_ones, 1, 32, 0, nullptr, values.get(), bug ? 31U : 32U);
  launch(count_positive, 1, 1, 0, nullptr, values.get(), 32U, count.get());
  return all_are(count.values(), 32);
}

__global__ void count_shared(float* count, bool bug) {
  SHARED_ARRAY(float, values, [32]);
  for (unsigned i = 0; i < (bug ? 31U : 32U); ++i) values[i] = 1;
  float positive = 0;
  for (unsigned i = 0; i < 32; ++i) positive += values[i] > 0 ? 1.0F : 0.0F;
  *count = positive;
}
bool uninitialised_shared_read(bool bug) {
  const DeviceArray<float> count(1);
  launch(count_shared, 1, 1, 0, nullptr, count.get(), bug);
  return all_are(count.values(), 32);
}

bool uninitialised_result(bool bug) {
  const DeviceArray<float> values(32);
  launch(set_ones, 1, 32, 0, nullptr, values.get(), bug ? 31U : 32U);
  return all_are(values.values(), 1);
}

__global__ void fill_tile(float* values, unsigned width) {
  SHARED_ARRAY(float, tile, [4][8]);
  DYN_SHARED(float, line);
  for (unsigned i = 0; i < width; ++i) line[i] = 1;
  for (unsigned i = 0; i < width; ++i) tile[3][i] = line[i];
  values[0] = tile[3][0];
}
bool shared_index_beyond_end(bool bug) {
  const DeviceArray<float> values(1);
  launch(fill_tile, 1, 1, 8 * sizeof(float), nullptr, values.get(), bug ? 9U : 8U);
  return all_are(values.values(), 1);
}

bool use_after_free(bool bug) {
  float* values = nullptr;
  cudaMalloc(reinterpret_cast<void**>(&values), 32 * sizeof(float));
  if (bug) cudaFree(values);
  launch(set_ones, 1, 32, 0, nullptr, values, 32U);
  cudaDeviceSynchronize();
  if (!bug) cudaFree(values);
  return true;
}

bool double_free(bool bug) {
  void* values = nullptr;
  cudaMalloc(&values, 32);
  cudaFree(values);
  if (bug) cudaFree(values);
  return true;
}

bool host_reads_device_memory(bool bug) {
  const DeviceArray<float> values(32, 1);
  const std::vector<float> copied = values.values();
  const float* const read = bug ? values.get() : copied.data();
  return *const_cast<const volatile float*>(read) == 1;
}

/// Of frames: 64 of them take more than a CUDA thread has here.
[[gnu::noinline]] float deep(const float* values, int depth) {
  float frame[2048];
  std::memset(frame, depth, sizeof frame);
  asm volatile("" : : "r"(frame) : "memory");
  return depth == 0 ? values[0] : deep(values, depth - 1) + frame[depth] * 0;
}
__global__ void recurse(float* values, int depth) { values[0] = deep(values, depth); }
bool stack_overflow(bool bug) {
  const DeviceArray<float> values(1, 1);
  launch(recurse, 1, 1, 0, nullptr, values.get(), bug ? 64 : 1);
  return all_are(values.values(), 1);
}

constexpr Bug kBugs[] = {
    {"write_beyond_end", write_beyond_end},
    {"write_far_beyond_end", write_far_beyond_end},
    {"write_before_begin", write_before_begin},
    {"read_beyond_end", read_beyond_end},
    {"uninitialised_read", uninitialised_read},
    {"uninitialised_shared_read", uninitialised_shared_read},
    {"uninitialised_result", uninitialised_result},
    {"shared_index_beyond_end", shared_index_beyond_end},
    {"use_after_free", use_after_free},
    {"double_free", double_free},
    {"host_reads_device_memory", host_reads_device_memory},
    {"stack_overflow", stack_overflow},
};

}  // namespace

std::span<const Bug> bugs_of_memory() { return kBugs; }

}  // namespace planted
