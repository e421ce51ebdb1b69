#pragma once

// What kernels are written in, for nvcc and, in tests/emulator, for a C++ compiler that runs them
// on the CPU. Shared memory is declared by these two, since the emulator gives every block its own:
//   SHARED_ARRAY(float, tile, [16][17]);   static: tile[i][j]
//   DYN_SHARED(float, buffer);             of the launch's shared_bytes: buffer[i]; one a kernel
// Warp primitives and inline PTX are used in this file alone.
#ifdef __CUDACC__
#include <cuda_runtime.h>
#define SHARED_ARRAY(T, name, dims) __shared__ T name dims
#define DYN_SHARED(T, name)                                                 \
  extern __shared__ __align__(16) unsigned char hourglass_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(hourglass_dynamic_shared)
#else
#include "emulator/emulator.h"
#endif

#include <cstdint>

namespace hourglass::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xFFFFFFFFU;

/// A NaN stays one, so that a run that diverges shows it.
__device__ inline float relu(float value) { return value < 0 ? 0 : value; }

/// What `lane` of the warp holds; all 32 lanes call.
template <class T>
__device__ inline T warp_read(T value, unsigned lane) {
  return __shfl_sync(kWholeWarp, value, static_cast<int>(lane));
}

/// What the warp's lanes wrote before, all of them may read behind it.
__device__ inline void warp_barrier() { __syncwarp(); }

/// Starts to bring the line of global memory that is at `address` into the L2 cache.
__device__ inline void prefetch_to_l2([[maybe_unused]] const float* address) {
#ifdef __CUDACC__
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(address)));
#endif
}

/// To TF32, what tensor cores take: 11 significant bits, ties away from zero.
__device__ inline float to_tf32(float value) {
#ifdef __CUDACC__
#if __CUDA_ARCH__ >= 800
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return __uint_as_float(bits);
#else
  return value;
#endif
#else
  return emulator::rounded_to_tf32(value);
#endif
}

/// sum [16 x 8] += left [16 x 8] right [8 x 8] by the warp's tensor cores, of TF32 values, from
/// sm_80 on; all 32 lanes call. The order of a sum's terms is the hardware's. With g = lane / 4 and
/// t = lane % 4 a lane has the elements
///   of sum    (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1)
///   of left   (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)
///   of right  (t, g), (t + 4, g)
/// PTX ISA 9.7.14, "Matrix fragments for mma.m16n8k8".
__device__ inline void multiply_tf32([[maybe_unused]] float (&sum)[4],
                                     [[maybe_unused]] const float (&left)[4],
                                     [[maybe_unused]] const float (&right)[2]) {
#ifdef __CUDACC__
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(__float_as_uint(left[0])), "r"(__float_as_uint(left[1])), "r"(__float_as_uint(left[2])),
        "r"(__float_as_uint(left[3])), "r"(__float_as_uint(right[0])),
        "r"(__float_as_uint(right[1])));
#else
  __trap();  // launchers do not get here
#endif
#else
  emulator::multiply_tf32(sum, left, right);
#endif
}

/// The sum over the warp's 32 lanes, by a fixed tree; every lane gets it.
template <class T>
__device__ inline T warp_sum(T value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kWholeWarp, value, distance);
  }
  return value;
}

/// The sum over a block of kThreads threads, by a fixed tree; thread 0 gets it. All threads call.
template <int kThreads, class T>
__device__ inline T block_sum(T value) {
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
  SHARED_ARRAY(T, of_warp, [kThreads / 32]);
  value = warp_sum(value);
  __syncthreads();  // of_warp may still be read from the last call
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = value;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < kThreads / 32; ++w) value += of_warp[w];
  }
  return value;
}

}  // namespace hourglass::cuda
