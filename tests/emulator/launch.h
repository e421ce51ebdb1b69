#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>

namespace emulator {

/// Gives the stream the launch of a kernel, `body` being one thread's work; or refuses it as CUDA
/// would, by the size of block, grid and dynamic shared memory. Registers are not modelled.
cudaError_t launch_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes,
                          cudaStream_t stream, std::function<void()> body);

/// kernel<<<grid, block, shared_bytes, stream>>>(arguments...). They are copied now, as CUDA does.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                   cudaStream_t stream, Arguments... arguments) {
  std::tuple<std::decay_t<Parameters>...> copied(static_cast<Parameters>(arguments)...);
  return launch_kernel(reinterpret_cast<const void*>(kernel), grid, block, shared_bytes, stream,
                       [kernel, copied] { std::apply(kernel, copied); });
}

/// Gives the stream a function of the host's that stands for work of the device's: a call of
/// Thrust, say. It may touch device memory, and may not call the runtime. `name`: in messages, and
/// what it is as a graph's node.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> function, const char* name);

}  // namespace emulator
