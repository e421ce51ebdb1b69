#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "hourglass/ops/backend.h"

namespace hourglass {

/// Runs nothing, holds nothing, and adds up what is allocated: how much memory a backend will be
/// asked for, known before it is. Whatever allocates as it is made can be made on it. `like` must
/// outlive it.
class AllocationCount final : public Backend {
 public:
  explicit AllocationCount(const Backend& like) : like_(&like) {}

  std::size_t bytes() const { return bytes_; }

  std::string kind() const override { return "count"; }
  std::string description() const override { return "counts allocations"; }
  void* allocate(std::size_t bytes) override {
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    bytes_ = bytes > kMost - bytes_ ? kMost : bytes_ + bytes;
    return nullptr;
  }
  void deallocate(void*, std::size_t) noexcept override {}
  void copy_in(void*, const void*, std::size_t) override {}
  void copy_out(void*, const void*, std::size_t) override {}
  void synchronize() override {}
  bool reads_host_memory() const override { return like_->reads_host_memory(); }
  std::int64_t transposes_at_once() const override { return like_->transposes_at_once(); }
  bool skips_idle_in_gram() const override { return like_->skips_idle_in_gram(); }
  bool takes_dense_input() const override { return like_->takes_dense_input(); }

  void run(const TransposeBatches&) override {}
  void run(const DenseRows&) override {}
  void run(const DropoutInput&) override {}
  void run(const CatchUpRows&) override {}
  void run(const GatherRows&) override {}
  void run(const SparseAdam&) override {}
  void run(const MiddleForward&) override {}
  void run(const MiddleBackward&) override {}
  void run(const MiddleUpdate&) override {}
  void run(const SparsityPenalty&) override {}
  void run(const OutputGram&) override {}
  void run(const OutputGramLoss&) override {}
  void run(const OutputGramUpdate&) override {}
  void run(const RatedLoss&) override {}
  void run(const OutputForward&) override {}
  void run(const CellLoss&) override {}
  void run(const OutputBackward&) override {}
  void run(const OutputDirectUpdate&) override {}
  void run(const SelectTop&) override {}
  void run(const ScoreSums&) override {}
  void run(const PickCells&) override {}

 private:
  const Backend* like_;
  std::size_t bytes_ = 0;
};

}  // namespace hourglass
