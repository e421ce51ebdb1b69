#pragma once

#include <string>

#include "hourglass/ops/backend.h"

namespace hourglass::reference {

/// Plain loops in double, one thread: the meaning of every operation. Never optimised.
class ReferenceBackend : public Backend {
 public:
  std::string kind() const override { return "reference"; }
  std::string description() const override { return "plain loops in double, one thread"; }

  void* allocate(std::size_t bytes) override;
  void deallocate(void* memory, std::size_t bytes) noexcept override;
  void copy_in(void* to, const void* from_host, std::size_t bytes) override;
  void copy_out(void* to_host, const void* from, std::size_t bytes) override;
  void synchronize() override {}
  bool reads_host_memory() const override { return true; }
  bool takes_dense_input() const override { return true; }

  void run(const TransposeBatches&) override;
  void run(const DenseRows&) override;
  void run(const DropoutInput&) override;
  void run(const CatchUpRows&) override;
  void run(const GatherRows&) override;
  void run(const SparseAdam&) override;
  void run(const MiddleForward&) override;
  void run(const MiddleBackward&) override;
  void run(const MiddleUpdate&) override;
  void run(const SparsityPenalty&) override;
  void run(const OutputGram&) override;
  void run(const OutputGramLoss&) override;
  void run(const OutputGramUpdate&) override;
  void run(const RatedLoss&) override;
  void run(const OutputForward&) override;
  void run(const CellLoss&) override;
  void run(const OutputBackward&) override;
  void run(const OutputDirectUpdate&) override;
  void run(const SelectTop&) override;
  void run(const ScoreSums&) override;
  void run(const PickCells&) override;
};

}  // namespace hourglass::reference
