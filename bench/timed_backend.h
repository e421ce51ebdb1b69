#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <string>
#include <vector>

#include "cuda/backend.h"

namespace hourglass::bench {

/// Hands every operation on to a CUDA backend, alone on the device and with nothing of its operands
/// in the second-level cache, and times it by events.
class TimedBackend final : public Backend {
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

  std::string kind() const override { return backend_->kind(); }
  std::string description() const override { return backend_->description(); }
  void* allocate(std::size_t bytes) override { return backend_->allocate(bytes); }
  void deallocate(void* memory, std::size_t bytes) noexcept override {
    backend_->deallocate(memory, bytes);
  }
  void copy_in(void* to, const void* from_host, std::size_t bytes) override {
    backend_->copy_in(to, from_host, bytes);
  }
  void copy_out(void* to_host, const void* from, std::size_t bytes) override {
    backend_->copy_out(to_host, from, bytes);
  }
  void synchronize() override { backend_->synchronize(); }
  std::int64_t transposes_at_once() const override { return backend_->transposes_at_once(); }

  void run(const TransposeBatches& op) override { time("TransposeBatches", op); }
  void run(const DropoutInput& op) override { time("DropoutInput", op); }
  void run(const CatchUpRows& op) override { time("CatchUpRows", op); }
  void run(const GatherRows& op) override {
    time(op.append_one ? "GatherRows, input" : "GatherRows, output", op);
  }
  void run(const SparseAdam& op) override {
    time(op.bias_column ? "SparseAdam, input" : "SparseAdam, output", op);
  }
  void run(const MiddleForward& op) override { time("MiddleForward", op); }
  void run(const MiddleBackward& op) override { time("MiddleBackward", op); }
  void run(const MiddleUpdate& op) override { time("MiddleUpdate", op); }
  void run(const SparsityPenalty& op) override { time("SparsityPenalty", op); }
  void run(const OutputGram& op) override { time("OutputGram", op); }
  void run(const OutputGramLoss& op) override { time("OutputGramLoss", op); }
  void run(const OutputGramUpdate& op) override { time("OutputGramUpdate", op); }
  void run(const RatedLoss& op) override { time("RatedLoss", op); }
  void run(const OutputForward& op) override { time("OutputForward", op); }
  void run(const CellLoss& op) override { time("CellLoss", op); }
  void run(const OutputBackward& op) override { time("OutputBackward", op); }
  void run(const OutputDirectUpdate& op) override { time("OutputDirectUpdate", op); }
  void run(const SelectTop& op) override { time("SelectTop", op); }
  void run(const ScoreSums& op) override { time("ScoreSums", op); }
  void run(const PickCells& op) override { time("PickCells", op); }

 private:
  template <class Operation>
  void time(const std::string& name, const Operation& op);

  cuda::CudaBackend* backend_;
  std::size_t flush_bytes_;
  bool paused_ = false;
  void* flushed_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  std::map<std::string, std::vector<double>> times_;
};

template <class Operation>
void TimedBackend::time(const std::string& name, const Operation& op) {
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
