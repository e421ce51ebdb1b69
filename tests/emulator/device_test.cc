// The card that there is, and what it refuses to launch.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "emulator/device.h"
#include "emulator/device_array.h"
#include "emulator/emulator.h"

namespace emulator {
namespace {

__global__ void nothing() {}
__global__ void use_dynamic(float* out) {
  DYN_SHARED(float, memory);
  memory[threadIdx.x] = 1;
  out[threadIdx.x] = memory[threadIdx.x];
}
__global__ void use_both(float* out) {
  SHARED_ARRAY(float, array, [1024]);
  DYN_SHARED(float, memory);
  array[0] = memory[0] = 1;
  *out = array[0] + memory[0];
}

cudaError_t launched(dim3 grid, dim3 block, std::size_t shared_bytes = 0) {
  const cudaError_t status = launch(nothing, grid, block, shared_bytes, nullptr);
  EXPECT_EQ(cudaGetLastError(), status);
  cudaDeviceSynchronize();
  return status;
}

TEST(DeviceTest, DescribesItself) {
  int n = 0, optin = 0;
  EXPECT_EQ(cudaGetDeviceCount(&n), cudaSuccess);
  EXPECT_EQ(n, 1);
  cudaDeviceProp card = {};
  EXPECT_EQ(cudaGetDeviceProperties(&card, 0), cudaSuccess);
  EXPECT_STREQ(card.name, "emulated");
  EXPECT_EQ(card.totalGlobalMem, device_bytes());
  EXPECT_EQ(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
            cudaSuccess);
  EXPECT_EQ(static_cast<std::size_t>(optin), card.sharedMemPerBlockOptin);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&card, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
}

TEST(DeviceTest, TakesBlocksAndGridsWithinCudasLimits) {
  EXPECT_EQ(launched(1, 1024), cudaSuccess);
  EXPECT_EQ(launched(1, dim3(4, 4, 64)), cudaSuccess);
  EXPECT_EQ(launched(dim3(1, 65535, 1), 1), cudaSuccess);
  EXPECT_EQ(launched(1, 1025), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(1, dim3(32, 33)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(1, dim3(1, 1, 65)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(1, dim3(65536, 65536)), cudaErrorInvalidConfiguration) << "and not 0 threads";
  EXPECT_EQ(launched(0, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(1, dim3(1, 0)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(dim3(1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(dim3(1, 1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launched(0x80000000U, 1), cudaErrorInvalidConfiguration);
}

TEST(DeviceTest, SharedMemoryBeyond48KiBMustBeAskedFor) {
  const auto* const kernel = reinterpret_cast<const void*>(use_dynamic);
  const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  const DeviceArray<float> out(1);
  const auto launched_with = [&](std::size_t bytes) {
    const cudaError_t status = launch(use_dynamic, 1, 1, bytes, nullptr, out.get());
    cudaDeviceSynchronize();
    return status;
  };
  EXPECT_EQ(launched_with(48 << 10), cudaSuccess);
  EXPECT_EQ(launched_with((48 << 10) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(kernel, attribute, 100 << 10), cudaSuccess);
  EXPECT_EQ(launched_with(100 << 10), cudaSuccess);
  EXPECT_EQ(launched_with((100 << 10) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(kernel, attribute, (227 << 10) + 1), cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST(DeviceDeathTest, AKernelsArraysCountAsWell) {
  const DeviceArray<float> out(1);
  launch(use_both, 1, 1, 44 << 10, nullptr, out.get());
  EXPECT_EQ(out.values()[0], 2);
  EXPECT_DEATH(
      {
        launch(use_both, 1, 1, (44 << 10) + 1, nullptr, out.get());
        cudaDeviceSynchronize();
      },
      "may not have so much shared memory");
  EXPECT_DEATH(
      {
        launch(use_dynamic, 1, 1, 0, nullptr, out.get());
        cudaDeviceSynchronize();
      },
      "dynamic shared memory and was launched with none");
}

/// Exits with 0 where the card is the one that the environment asks for.
[[noreturn]] void exit_on_card(const char* name, int major, int minor, std::size_t opt_in,
                               std::size_t of_multiprocessor) {
  ::setenv("HOURGLASS_EMULATOR_CARD", name, 1);
  cudaDeviceProp card = {};
  cudaGetDeviceProperties(&card, 0);
  int attribute = 0;
  cudaDeviceGetAttribute(&attribute, cudaDevAttrComputeCapabilityMajor, 0);
  const bool right = card.major == major && card.minor == minor && attribute == major &&
                     card.sharedMemPerBlockOptin == opt_in << 10 &&
                     card.sharedMemPerMultiprocessor == of_multiprocessor << 10;
  std::exit(right ? 0 : 1);
}

TEST(DeviceDeathTest, IsTheCardThatIsAskedFor) {
  const auto right = testing::ExitedWithCode(0);
  EXPECT_EXIT(exit_on_card("sm_75", 7, 5, 64, 64), right, "");
  EXPECT_EXIT(exit_on_card("sm_80", 8, 0, 163, 164), right, "");
  EXPECT_EXIT(exit_on_card("sm_86", 8, 6, 99, 100), right, "");
  EXPECT_EXIT(exit_on_card("sm_90", 9, 0, 227, 228), right, "");
  EXPECT_EXIT(exit_on_card("", 9, 0, 227, 228), right, "");
  EXPECT_DEATH(exit_on_card("sm_70", 7, 0, 96, 96), "'sm_70', which is not modelled");
}

/// What a program without a card gets from its first calls.
[[noreturn]] void exit_without_device(const char* devices, cudaError_t want) {
  ::setenv("HOURGLASS_EMULATOR_DEVICES", devices, 1);
  int n = 7;
  void* memory = nullptr;
  const bool right = cudaGetDeviceCount(&n) == want && n == 7 && cudaMalloc(&memory, 4) == want &&
                     launch(nothing, 1, 1, 0, nullptr) == want && cudaGetLastError() == want;
  std::exit(right ? 0 : 1);
}

TEST(DeviceDeathTest, ThereMayBeNoCardOrNoDriver) {
  EXPECT_EXIT(exit_without_device("0", cudaErrorNoDevice), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_without_device("-1", cudaErrorInsufficientDriver), testing::ExitedWithCode(0),
              "");
  EXPECT_DEATH(exit_without_device("2", cudaSuccess), "more than one device is not modelled");
}

}  // namespace
}  // namespace emulator
