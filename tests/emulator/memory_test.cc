// Memory of the device and pinned memory: how much there is, what is in it, and who may free it.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "emulator/arena.h"
#include "emulator/device_array.h"
#include "emulator/emulator.h"

namespace emulator {
namespace {

std::size_t free_bytes() {
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return free;
}

TEST(MemoryTest, IsAlignedAndOfItsExactSize) {
  const std::size_t before = free_bytes();
  for (const std::size_t bytes : {1UL, 4UL, 255UL, 256UL, 4095UL, 4096UL, 4097UL, 3UL << 20}) {
    void* memory = nullptr;
    ASSERT_EQ(cudaMalloc(&memory, bytes), cudaSuccess);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0U);
    EXPECT_EQ(before - free_bytes(), bytes);
    EXPECT_EQ(cudaMemset(memory, 1, bytes), cudaSuccess);
    std::vector<char> host(bytes);
    EXPECT_EQ(cudaMemcpy(host.data(), memory, bytes, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(host, std::vector<char>(bytes, 1));
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
  }
  EXPECT_EQ(free_bytes(), before);
}

TEST(MemoryTest, NoBytesAreNone) {
  void* memory = &memory;
  EXPECT_EQ(cudaMalloc(&memory, 0), cudaSuccess);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(nullptr, nullptr, 0, cudaMemcpyDeviceToDevice), cudaSuccess);
}

TEST(MemoryTest, WhatWasNeverWrittenIsNaN) {
  // A pinned one: of device memory, MemorySanitizer would not let it be read.
  void* memory = nullptr;
  constexpr std::size_t kBytes = (5 << 20) + 3;  // more than a mapping
  ASSERT_EQ(cudaMallocHost(&memory, kBytes), cudaSuccess);
  const auto* const bytes = static_cast<const unsigned char*>(memory);
  for (std::size_t i = 0; i < kBytes; ++i) ASSERT_EQ(bytes[i], 0xFF) << i;
  cudaFreeHost(memory);
}

TEST(MemoryTest, MoreThanThereIsIsRefused) {
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, free_bytes() + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

TEST(MemoryTest, CopiesBetweenArraysOfTheDevice) {
  const DeviceArray<int> from({1, 2, 3}), to(3);
  cudaMemcpy(to.get(), from.get(), 3 * sizeof(int), cudaMemcpyDefault);
  EXPECT_EQ(to.values(), (std::vector<int>{1, 2, 3}));
}

TEST(MemoryDeathTest, SaysWhatIsWrongWithAFree) {
  void *memory = nullptr, *pinned = nullptr;
  cudaMalloc(&memory, 64);
  cudaMallocHost(&pinned, 64);
  int on_stack = 0;
  EXPECT_DEATH(cudaFree(static_cast<char*>(memory) + 8), "byte 8 of the 64 bytes of device memory");
  EXPECT_DEATH(cudaFree(&on_stack), "memory of the host");
  EXPECT_DEATH(cudaFree(pinned), "cudaFree.*no allocation begins there");
  EXPECT_DEATH(cudaFreeHost(memory), "cudaFreeHost.*no allocation begins there");
  cudaFree(memory);
  cudaFreeHost(pinned);
  EXPECT_DEATH(cudaFree(memory), "device memory that is free");
}

TEST(MemoryDeathTest, SaysWhatIsWrongWithACopy) {
  const DeviceArray<int> values({1, 2, 3});
  int host[4] = {};
  EXPECT_DEATH(cudaMemcpy(host, values.get(), sizeof host, cudaMemcpyDeviceToHost),
               "16 bytes at .* are not all device memory");
  EXPECT_DEATH(cudaMemcpy(host, values.get(), 4, cudaMemcpyHostToDevice), "the kind says 1");
  EXPECT_DEATH(cudaMemset(host, 0, 4), "memory of the host");
}

TEST(MemoryDeathTest, TheDevicesSizeIsTheEnvironments) {
  EXPECT_EXIT(
      {
        ::setenv("HOURGLASS_EMULATOR_MEMORY", "1000", 1);
        void* memory = nullptr;
        const bool right = cudaMalloc(&memory, 1001) == cudaErrorMemoryAllocation &&
                           cudaMalloc(&memory, 1000) == cudaSuccess && free_bytes() == 0 &&
                           cudaFree(memory) == cudaSuccess;
        std::exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_DEATH(
      {
        ::setenv("HOURGLASS_EMULATOR_MEMORY", "much", 1);
        free_bytes();
      },
      "HOURGLASS_EMULATOR_MEMORY is 'much'");
}

}  // namespace
}  // namespace emulator
