#include "bench/timed_backend.h"

namespace hourglass::bench {

TimedBackend::TimedBackend(cuda::CudaBackend& backend, std::size_t flush_bytes)
    : RelayBackend(backend), backend_(&backend), flush_bytes_(flush_bytes) {
  if (flush_bytes > 0) flushed_ = backend.allocate(flush_bytes);
  cuda::check(cudaEventCreate(&begin_));
  cuda::check(cudaEventCreate(&end_));
}

TimedBackend::~TimedBackend() {
  static_cast<void>(cudaEventDestroy(begin_));
  static_cast<void>(cudaEventDestroy(end_));
  if (flushed_ != nullptr) backend_->deallocate(flushed_, flush_bytes_);
}

}  // namespace hourglass::bench
