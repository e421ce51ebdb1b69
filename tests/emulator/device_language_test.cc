// What kernels are written in: who is who, meetings of threads, atomics, and the generator.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

#include "emulator/device_array.h"
#include "emulator/emulator.h"
// After the emulator: the toolkit's header of device code.
#include <curand_kernel.h>

#include "hourglass/core/philox.h"

namespace emulator {
namespace {

constexpr unsigned kAll = 0xFFFFFFFF;

__global__ void number_threads(unsigned* out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] += block * 1000 + thread;
}

TEST(DeviceLanguageTest, EveryThreadOfEveryBlockRunsOnce) {
  const dim3 grid(3, 2, 4), block(5, 7, 2);
  const unsigned n_blocks = 24, n_threads = 70;
  const DeviceArray<unsigned> out(n_blocks * n_threads, 0);
  launch(number_threads, grid, block, 0, nullptr, out.get());
  const std::vector<unsigned> numbers = out.values();
  for (unsigned b = 0; b < n_blocks; ++b) {
    for (unsigned t = 0; t < n_threads; ++t) ASSERT_EQ(numbers[b * n_threads + t], b * 1000 + t);
  }
}

/// One value of each of 32 lanes, of a kernel of one warp.
template <class T>
std::vector<T> of_lanes(void (*kernel)(T*), unsigned n_threads = 32) {
  const DeviceArray<T> out(n_threads, T{});
  launch(kernel, 1, n_threads, 0, nullptr, out.get());
  return out.values();
}

__global__ void shuffle_up(int* out) {
  out[threadIdx.x] = __shfl_up_sync(kAll, static_cast<int>(threadIdx.x), 3, 16);
}
__global__ void shuffle_down(int* out) {
  out[threadIdx.x] = __shfl_down_sync(kAll, static_cast<int>(threadIdx.x), 3, 16);
}
__global__ void shuffle_xor(int* out) {
  out[threadIdx.x] = __shfl_xor_sync(kAll, static_cast<int>(threadIdx.x), 5);
}
__global__ void shuffle_from(int* out) {
  out[threadIdx.x] = __shfl_sync(kAll, static_cast<int>(threadIdx.x), 10, 8);
}
__global__ void shuffle_double(double* out) {
  out[threadIdx.x] = __shfl_xor_sync(kAll, 0.1 * threadIdx.x, 1);
}

TEST(DeviceLanguageTest, ShufflesWithinSegments) {
  const std::vector<int> up = of_lanes(shuffle_up), down = of_lanes(shuffle_down);
  const std::vector<int> crossed = of_lanes(shuffle_xor), from = of_lanes(shuffle_from);
  const std::vector<double> doubles = of_lanes(shuffle_double);
  for (int i = 0; i < 32; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(up[at], i % 16 < 3 ? i : i - 3);
    EXPECT_EQ(down[at], i % 16 > 12 ? i : i + 3);
    EXPECT_EQ(crossed[at], i ^ 5);
    EXPECT_EQ(from[at], i / 8 * 8 + 2) << "the source counts modulo the width";
    EXPECT_EQ(doubles[at], 0.1 * (i ^ 1));
  }
}

__global__ void vote(unsigned* out) {
  const bool odd = threadIdx.x % 2 == 1;
  out[threadIdx.x] = __ballot_sync(kAll, odd);
  if (__any_sync(kAll, odd) && !__any_sync(kAll, 0)) out[threadIdx.x] += 1;
  if (__all_sync(kAll, 1) && !__all_sync(kAll, odd)) out[threadIdx.x] += 4;
  out[threadIdx.x] += __reduce_add_sync(kAll, 16);
}

TEST(DeviceLanguageTest, WarpsVoteAndAdd) {
  for (const unsigned x : of_lanes(vote)) EXPECT_EQ(x, 0xAAAAAAAA + 5 + 32 * 16);
  // A last warp of fewer lanes: a full mask means those that there are.
  const std::vector<unsigned> few = of_lanes(vote, 39);
  EXPECT_EQ(few[38], 0x2AU + 5 + 7 * 16);
}

__global__ void halves(int* out) {
  const unsigned mask = threadIdx.x < 16 ? 0xFFFFU : 0xFFFF0000U;
  int sum = static_cast<int>(threadIdx.x);
  for (int distance = 8; distance > 0; distance /= 2) sum += __shfl_xor_sync(mask, sum, distance);
  out[threadIdx.x] = sum;
}

TEST(DeviceLanguageTest, HalvesOfAWarpMeetByThemselves) {
  const std::vector<int> sums = of_lanes(halves);
  EXPECT_EQ(sums[0], 120);
  EXPECT_EQ(sums[31], 376);
}

__global__ void count_votes(int* out) {
  if (threadIdx.x >= 90) return;  // those that have exited do not vote
  const int odd = threadIdx.x % 2;
  out[0] = __syncthreads_count(odd);
  out[1] = __syncthreads_or(threadIdx.x == 89);
  out[2] = __syncthreads_or(0);
  out[3] = __syncthreads_and(1);
  out[4] = __syncthreads_and(threadIdx.x != 0);
}

TEST(DeviceLanguageTest, BlocksVoteAtBarriers) {
  const std::vector<int> votes = of_lanes(count_votes, 100);
  EXPECT_EQ(std::vector<int>(votes.begin(), votes.begin() + 5), (std::vector<int>{45, 1, 0, 1, 0}));
}

__global__ void use_atomics(float* sum, int* most, unsigned* count, unsigned long long* wide) {
  atomicAdd(sum, 0.5F);
  atomicMax(most, static_cast<int>(threadIdx.x * 7 % 64) - 100);
  const unsigned old = atomicAdd(count, 1U);
  atomicCAS(wide, 0ULL, 5ULL);
  if (old == 63) atomicExch(count + 1, old);
}

TEST(DeviceLanguageTest, AtomicsReturnWhatWasThere) {
  const DeviceArray<float> sum(1, 0);
  const DeviceArray<int> most(1, -200);
  const DeviceArray<unsigned> count(2, 0);
  const DeviceArray<unsigned long long> wide(1, 0);
  launch(use_atomics, 1, 64, 0, nullptr, sum.get(), most.get(), count.get(), wide.get());
  EXPECT_EQ(sum.values()[0], 32);
  EXPECT_EQ(most.values()[0], -37);
  EXPECT_EQ(count.values(), (std::vector<unsigned>{64, 63}));
  EXPECT_EQ(wide.values()[0], 5U);
}

__global__ void remember(int* out) {
  SHARED_ARRAY(int, turn, [32]);
  SHARED_ARRAY(int, other, [2][16]);
  turn[threadIdx.x] = static_cast<int>(blockIdx.x);
  other[threadIdx.x / 16][threadIdx.x % 16] = -1;
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = turn[31] + other[1][15];
}

TEST(DeviceLanguageTest, SharedArraysAreTheBlocks) {
  const DeviceArray<int> out(5);
  launch(remember, 5, 32, 0, nullptr, out.get());
  EXPECT_EQ(out.values(), (std::vector<int>{-1, 0, 1, 2, 3}));
}

__global__ void halve(float* x) { *x *= 0.5F; }

TEST(DeviceLanguageTest, DenormalsAreZeroInKernelsAndNotInTheHost) {
  const volatile float smallest = std::numeric_limits<float>::min();
  const DeviceArray<float> x(1, smallest);
  launch(halve, 1, 1, 0, nullptr, x.get());
  EXPECT_EQ(x.values()[0], 0);
  EXPECT_GT(smallest / 2, 0);
}

__global__ void philox(unsigned* out, uint4 counter, uint2 key) {
  const uint4 numbers = curand_Philox4x32_10(counter, key);
  out[0] = numbers.x;
  out[1] = numbers.y;
  out[2] = numbers.z;
  out[3] = numbers.w;
}

TEST(DeviceLanguageTest, CurandsPhiloxIsOurs) {
  const DeviceArray<unsigned> out(4);
  const auto purpose = hourglass::RandomPurpose::kDropout;
  launch(philox, 1, 1, 0, nullptr, out.get(),
         uint4{static_cast<unsigned>(purpose), 2, 3, 0xFFFFFFFF}, uint2{42, 7});
  const auto want = hourglass::philox((7ULL << 32) + 42, purpose, 2, 3, 0xFFFFFFFF);
  EXPECT_EQ(out.values(), std::vector<unsigned>(want.begin(), want.end()));
}

// left[r][k] = 10 r + k and right[k][c] = k + c / 8: small enough for TF32, and different each.
__global__ void multiply_by_tensor_cores(float* out) {
  const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
  const auto left = [](unsigned r, unsigned k) { return static_cast<float>(10 * r + k); };
  const auto right = [](unsigned k, unsigned c) {
    return static_cast<float>(k) + static_cast<float>(c) / 8;
  };
  float sum[4] = {1000, 0, 0, 0};
  const float of_left[4] = {left(g, t), left(g + 8, t), left(g, t + 4), left(g + 8, t + 4)};
  const float of_right[2] = {right(t, g), right(t + 4, g)};
  multiply_tf32(sum, of_left, of_right);
  for (unsigned i = 0; i < 4; ++i) out[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
}

TEST(DeviceLanguageTest, TensorCoresMultiplyFragmentsAsPtxLaysThem) {
  const DeviceArray<float> out(16 * 8);
  launch(multiply_by_tensor_cores, 1, 32, 0, nullptr, out.get());
  const std::vector<float> got = out.values();
  for (unsigned r = 0; r < 16; ++r) {
    for (unsigned c = 0; c < 8; ++c) {
      float want = r < 8 && c % 2 == 0 ? 1000 : 0;
      for (unsigned k = 0; k < 8; ++k) {
        want +=
            static_cast<float>(10 * r + k) * (static_cast<float>(k) + static_cast<float>(c) / 8);
      }
      EXPECT_EQ(got[r * 8 + c], want) << r << ", " << c;
    }
  }
}

__global__ void multiply_unrounded() {
  float sum[4] = {};
  const float left[4] = {1, 1, 1, 0.1F}, right[2] = {1, 1};
  multiply_tf32(sum, left, right);
}

__global__ void multiply_halves() {
  float sum[4] = {};
  const float left[4] = {0.5F, 0.5F, 0.5F, 0.5F}, right[2] = {0.5F, 0.5F};
  multiply_tf32(sum, left, right);
}

TEST(DeviceLanguageDeathTest, TensorCoresOfTuringHaveNoTf32) {
  const auto run_on_turing = [] {
    ::setenv("HOURGLASS_EMULATOR_CARD", "sm_75", 1);
    launch(multiply_halves, 1, 32, 0, nullptr);
    cudaDeviceSynchronize();
  };
  EXPECT_DEATH(run_on_turing(), "TF32 on sm_75, which has none");
}

TEST(DeviceLanguageDeathTest, TensorCoresTakeTf32Alone) {
  const auto run = [](void (*kernel)(), unsigned n_threads) {
    launch(kernel, 1, n_threads, 0, nullptr);
    cudaDeviceSynchronize();
  };
  EXPECT_DEATH(run(multiply_unrounded, 32), "0.1 is not rounded to TF32");
  EXPECT_DEATH(run(multiply_halves, 16), "fewer than 32 lanes");
}

__global__ void intrinsics(float* out) {
  out[0] = __fmaf_rn(2, 3, 4);
  out[1] = __saturatef(std::nanf(""));
  out[2] = __uint_as_float(__float_as_uint(1.5F));
  out[3] = static_cast<float>(__popc(0xF0F0U) + __ffs(8) * 100 + __clz(1) * 10000);
  out[4] = static_cast<float>(__umulhi(0x80000000U, 6));
  out[5] = __ldg(out);
}

TEST(DeviceLanguageTest, IntrinsicsAreWhatTheyAreOnACard) {
  const DeviceArray<float> out(6);
  launch(intrinsics, 1, 1, 0, nullptr, out.get());
  EXPECT_EQ(out.values(), (std::vector<float>{10, 0, 1.5F, 310408, 3, 10}));
}

}  // namespace
}  // namespace emulator
