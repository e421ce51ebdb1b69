#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <string>
#include <vector>

#include "bench/relay_backend.h"
#include "cuda/backend.h"

namespace hourglass::bench {

/// Hands every operation on to a CUDA backend, alone on the device and with nothing of its operands
/// in the second-level cache, and times it by events.
class TimedBackend final : public RelayBackend<TimedBackend> {
 public:
  /// flush_bytes: written between operations, more than the cache holds; 0: no flush.
  TimedBackend(cuda::CudaBackend& backend, std::size_t flush_bytes);
  ~TimedBackend() override;

  /// Microseconds of every run since the last go_on(), by operation.
  const std::map<std::string, std::vector<double>>& times() const { return times_; }
  /// From here to go_on() operations run as they are without it.
  void pause() { paused_ = true; }
  void go_on() {
    paused_ = false;
    times_.clear();
  }

  template <class Operation>
  void relay(const std::string& name, const Operation& op);

 private:
  cuda::CudaBackend* backend_;
  std::size_t flush_bytes_;
  bool paused_ = false;
  void* flushed_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  std::map<std::string, std::vector<double>> times_;
};

template <class Operation>
void TimedBackend::relay(const std::string& name, const Operation& op) {
  if (paused_) return backend_->run(op);
  if (flush_bytes_ > 0) {
    cuda::check(cudaMemsetAsync(flushed_, 1, flush_bytes_, backend_->stream()));
  }
  cuda::check(cudaEventRecord(begin_, backend_->stream()));
  backend_->run(op);
  cuda::check(cudaEventRecord(end_, backend_->stream()));
  cuda::check(cudaEventSynchronize(end_));
  float milliseconds = 0;
  cuda::check(cudaEventElapsedTime(&milliseconds, begin_, end_));
  times_[name].push_back(1e3 * static_cast<double>(milliseconds));
}

}  // namespace hourglass::bench
