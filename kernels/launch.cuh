#pragma once

#include <cstddef>
#include <source_location>
#include <utility>

#include "cuda/check.h"
#include "kernels/device.cuh"

namespace hourglass::cuda {

struct LaunchShape {
  dim3 grid, block;
  std::size_t shared_bytes;  ///< dynamic shared memory of a block
  cudaStream_t stream;
  std::source_location where = std::source_location::current();
};

/// Blocks of `size` that cover n.
constexpr unsigned blocks_of(std::int64_t n, std::int64_t size) {
  return static_cast<unsigned>((n + size - 1) / size);
}

/// kernel<<<shape>>>(arguments...), checked; a fault names the caller. No launch for an empty grid,
/// which CUDA would refuse.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const LaunchShape& shape, Arguments&&... arguments) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
#ifdef __CUDACC__
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = shape.stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), shape.where);
#else
  check(emulator::launch(kernel, shape.grid, shape.block, shape.shared_bytes, shape.stream,
                         static_cast<Parameters>(arguments)...),
        shape.where);
#endif
}

}  // namespace hourglass::cuda
