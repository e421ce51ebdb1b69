#include "cuda/staging.h"

#include <algorithm>
#include <cstring>

#include "hourglass/core/error.h"

namespace hourglass::cuda {

Staging::Staging(cudaStream_t stream) : stream_(stream) {
  for (Block& block : blocks_) block = {make_pinned(kBlock), make_event()};
}

void Staging::require_no_capture() const {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream_, &status));
  if (status != cudaStreamCaptureStatusNone) throw Error("CUDA: a copy within a step");
}

void Staging::copy_in(void* to, const void* from_host, std::size_t bytes) {
  require_no_capture();
  for (std::size_t done = 0; done < bytes; done += kBlock) {
    const std::size_t n = std::min(kBlock, bytes - done);
    Block& block = blocks_[next_];
    next_ = (next_ + 1) % blocks_.size();
    check(cudaEventSynchronize(block.copied.get()));  // at once where it was never recorded
    std::memcpy(block.memory.get(), static_cast<const char*>(from_host) + done, n);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, block.memory.get(), n,
                          cudaMemcpyHostToDevice, stream_));
    check(cudaEventRecord(block.copied.get(), stream_));
  }
}

void Staging::copy_out(void* to_host, const void* from, std::size_t bytes) {
  require_no_capture();
  // One block is read while the other is filled.
  std::size_t read = 0;
  for (std::size_t asked = 0; read < bytes;) {
    for (; asked < bytes && asked - read < 2 * kBlock; asked += std::min(kBlock, bytes - asked)) {
      Block& block = blocks_[asked / kBlock % 2];
      check(cudaMemcpyAsync(block.memory.get(), static_cast<const char*>(from) + asked,
                            std::min(kBlock, bytes - asked), cudaMemcpyDeviceToHost, stream_));
      check(cudaEventRecord(block.copied.get(), stream_));
    }
    Block& block = blocks_[read / kBlock % 2];
    const std::size_t n = std::min(kBlock, bytes - read);
    check(cudaEventSynchronize(block.copied.get()));
    std::memcpy(static_cast<char*>(to_host) + read, block.memory.get(), n);
    read += n;
  }
}

}  // namespace hourglass::cuda
