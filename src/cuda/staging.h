#pragma once

#include <array>
#include <cstddef>

#include "cuda/owners.h"

namespace hourglass::cuda {

/// Copies between ordinary host memory and the device, through pinned memory of its own: a copy
/// from ordinary memory would make the driver wait, or read it after the caller has changed it.
class Staging {
 public:
  explicit Staging(cudaStream_t stream);

  // While the stream is captured, both throw: the graph would copy what a block has by then.

  /// In the stream's order; from_host may change as soon as it returns. Waits for the device only
  /// where two blocks are still on their way.
  void copy_in(void* to, const void* from_host, std::size_t bytes);
  /// Waits for all that the stream was given before.
  void copy_out(void* to_host, const void* from, std::size_t bytes);

 private:
  void require_no_capture() const;

  static constexpr std::size_t kBlock = std::size_t{4} << 20;

  struct Block {
    PinnedMemory memory;
    Event copied;  ///< recorded behind the block's last copy
  };

  cudaStream_t stream_;
  std::array<Block, 2> blocks_;
  std::size_t next_ = 0;
};

}  // namespace hourglass::cuda
