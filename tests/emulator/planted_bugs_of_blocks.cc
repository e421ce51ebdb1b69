#include <cmath>
#include <vector>

#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "emulator/planted_bugs.h"

namespace planted {
namespace {

using emulator::DeviceArray;
using emulator::launch;

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocks = 5;
constexpr unsigned kAll = 0xFFFFFFFF;

/// Whether every block's sum of kThreads ones, by the kernel, is kThreads.
bool sums_ones(void (*kernel)(const float*, float*)) {
  const DeviceArray<float> ones(kBlocks * kThreads, 1), sums(kBlocks, 0);
  launch(kernel, kBlocks, kThreads, 0, nullptr, ones.get(), sums.get());
  return all_are(sums.values(), kThreads);
}

template <bool kBug>
__global__ void sum_of_warps(const float* x, float* sums) {
  SHARED_ARRAY(float, of_warp, [kThreads / 32]);
  float sum = x[blockIdx.x * kThreads + threadIdx.x];
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(kAll, sum, distance);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  if constexpr (!kBug) __syncthreads();
  if (threadIdx.x == 0) {
    sum = 0;
    for (unsigned w = 0; w < kThreads / 32; ++w) sum += of_warp[w];
    sums[blockIdx.x] = sum;
  }
}
bool missing_barrier(bool bug) { return sums_ones(bug ? sum_of_warps<true> : sum_of_warps<false>); }

/// Every thread counts the ones of the tile that it is in, and tiles take turns in shared memory.
template <bool kBug>
__global__ void sum_of_tiles(const float* x, float* sums) {
  SHARED_ARRAY(float, tile, [kThreads]);
  float sum = 0;
  for (unsigned b = 0; b < kBlocks; ++b) {
    tile[threadIdx.x] = x[b * kThreads + threadIdx.x] * static_cast<float>(b);
    __syncthreads();
    sum += tile[(threadIdx.x + 100) % kThreads];
    if constexpr (!kBug) __syncthreads();
  }
  sums[blockIdx.x * kThreads + threadIdx.x] = sum;
}
bool missing_second_barrier(bool bug) {
  const DeviceArray<float> ones(kBlocks * kThreads, 1), sums(kThreads);
  launch(bug ? sum_of_tiles<true> : sum_of_tiles<false>, 1, kThreads, 0, nullptr, ones.get(),
         sums.get());
  return all_are(sums.values(), 0 + 1 + 2 + 3 + 4);
}

template <bool kBug>
__global__ void count_by_lanes(float* counts) {
  SHARED_ARRAY(int, slot, [kThreads]);
  const unsigned i = threadIdx.x;
  slot[i] = static_cast<int>(i);
  const int other = __shfl_xor_sync(kAll, static_cast<int>(i), 1);  // orders no memory
  if constexpr (!kBug) __syncwarp();
  counts[i] = slot[i ^ 1] == other ? 1 : 0;
}
bool missing_syncwarp(bool bug) {
  const DeviceArray<float> counts(kThreads);
  launch(bug ? count_by_lanes<true> : count_by_lanes<false>, 1, kThreads, 0, nullptr, counts.get());
  return all_are(counts.values(), 1);
}

template <bool kBug>
__global__ void add_ones(const float* x, float* sum) {
  const float one = x[blockIdx.x * kThreads + threadIdx.x];
  if (threadIdx.x != 0) return;
  if constexpr (kBug) {
    *sum += one;
  } else {
    atomicAdd(sum, one);
  }
}
bool lost_atomic(bool bug) {
  const DeviceArray<float> ones(kBlocks * kThreads, 1), sum(1, 0);
  launch(bug ? add_ones<true> : add_ones<false>, kBlocks, kThreads, 0, nullptr, ones.get(),
         sum.get());
  return all_are(sum.values(), kBlocks);
}

/// The block that takes the last ticket adds what all have written.
template <bool kFenceBefore, bool kFenceAfter>
__global__ void sum_by_last_block(const float* x, float* sums, unsigned* tickets, float* sum) {
  SHARED_ARRAY(int, is_last, [1]);
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = x[blockIdx.x];
    if constexpr (kFenceBefore) __threadfence();
    is_last[0] = atomicAdd(tickets, 1U) == gridDim.x - 1;
    if constexpr (kFenceAfter) __threadfence();
  }
  __syncthreads();
  if (is_last[0] == 0 || threadIdx.x != 1) return;
  float all = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) all += sums[b];
  *sum = all;
}
bool sums_by_last_block(void (*kernel)(const float*, float*, unsigned*, float*)) {
  const DeviceArray<float> ones(kBlocks, 1), sums(kBlocks), sum(1);
  const DeviceArray<unsigned> tickets(1, 0);
  launch(kernel, kBlocks, 32, 0, nullptr, ones.get(), sums.get(), tickets.get(), sum.get());
  return all_are(sum.values(), kBlocks);
}
bool missing_fence(bool bug) {
  return sums_by_last_block(bug ? sum_by_last_block<false, true> : sum_by_last_block<true, true>);
}
bool missing_fence_of_reader(bool bug) {
  return sums_by_last_block(bug ? sum_by_last_block<true, false> : sum_by_last_block<true, true>);
}

__global__ void set_neighbours(float* values, bool bug) {
  // With the bug, blocks write one element of the next one's.
  const unsigned n = bug && threadIdx.x == kThreads - 1 && blockIdx.x + 1 < gridDim.x ? 2 : 1;
  for (unsigned i = 0; i < n; ++i) values[blockIdx.x * kThreads + threadIdx.x + i] = 1;
}
bool overlapping_blocks(bool bug) {
  const DeviceArray<float> values(kBlocks * kThreads);
  launch(set_neighbours, kBlocks, kThreads, 0, nullptr, values.get(), bug);
  return all_are(values.values(), 1);
}

__global__ void branch(float* values, bool bug) {
  if (!bug || threadIdx.x < 32) {
    __syncthreads();
  } else {
    values[threadIdx.x] = 2;
    __syncthreads();
  }
  values[threadIdx.x] = 1;
}
bool divergent_barrier(bool bug) {
  const DeviceArray<float> values(kThreads);
  launch(branch, 1, kThreads, 0, nullptr, values.get(), bug);
  return all_are(values.values(), 1);
}

__global__ void wait_for_each_other(float* values, bool bug) {
  if (!bug || threadIdx.x != 0) __syncwarp();
  __syncthreads();
  values[threadIdx.x] = 1;
}
bool deadlock(bool bug) {
  const DeviceArray<float> values(kThreads);
  launch(wait_for_each_other, 1, kThreads, 0, nullptr, values.get(), bug);
  return all_are(values.values(), 1);
}

__global__ void half_warp(float* values, unsigned mask) {
  float one = 1;
  if (threadIdx.x < 16) one = __shfl_xor_sync(mask, one, 1);
  values[threadIdx.x] = one;
}
bool mask_names_absent_lanes(bool bug) {
  const DeviceArray<float> values(32);
  launch(half_warp, 1, 32, 0, nullptr, values.get(), bug ? kAll : 0xFFFFU);
  return all_are(values.values(), 1);
}
bool mask_without_caller(bool bug) {
  const DeviceArray<float> values(32);
  launch(half_warp, 1, 32, 0, nullptr, values.get(), bug ? 0xFFU : 0xFFFFU);
  return all_are(values.values(), 1);
}

__global__ void read_lane(float* values, int source) {
  float one = 1;
  if (threadIdx.x < 16) one = __shfl_sync(0xFFFFU, one, source);
  values[threadIdx.x] = one;
}
bool lane_outside_of_mask(bool bug) {
  const DeviceArray<float> values(32);
  launch(read_lane, 1, 32, 0, nullptr, values.get(), bug ? 16 : 15);
  return all_are(values.values(), 1);
}

constexpr Bug kBugs[] = {
    {"missing_barrier", missing_barrier},
    {"missing_second_barrier", missing_second_barrier},
    {"missing_syncwarp", missing_syncwarp},
    {"lost_atomic", lost_atomic},
    {"missing_fence", missing_fence},
    {"missing_fence_of_reader", missing_fence_of_reader},
    {"overlapping_blocks", overlapping_blocks},
    {"divergent_barrier", divergent_barrier},
    {"deadlock", deadlock},
    {"mask_names_absent_lanes", mask_names_absent_lanes},
    {"mask_without_caller", mask_without_caller},
    {"lane_outside_of_mask", lane_outside_of_mask},
};

}  // namespace

std::span<const Bug> bugs_of_blocks() { return kBugs; }

}  // namespace planted
