#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "cuda/gemm.h"
#include "cuda/owners.h"
#include "cuda/staging.h"
#include "cuda/step_graphs.h"
#include "hourglass/ops/backend.h"

namespace hourglass::cuda {

/// One card, one stream: every operation is enqueued there (kernels/kernels.h).
class CudaBackend : public Backend {
 public:
  /// Throws Error, whose text is a phrase (ops/backend_module.h), where there is no card to be had.
  CudaBackend();
  ~CudaBackend() override;

  /// Where all of it happens; for who times it.
  cudaStream_t stream() const { return stream_.get(); }

  std::string kind() const override { return "cuda"; }
  std::string description() const override;

  void* allocate(std::size_t bytes) override;
  void deallocate(void* memory, std::size_t bytes) noexcept override;
  void copy_in(void* to, const void* from_host, std::size_t bytes) override;
  void copy_out(void* to_host, const void* from, std::size_t bytes) override;
  void synchronize() override;
  std::optional<std::size_t> free_memory() const override;
  bool set_math(Math math) override;
  std::int64_t transposes_at_once() const override {
    return std::numeric_limits<std::int64_t>::max();
  }
  void begin_step() override { graphs_.begin(); }
  void end_step() override { graphs_.end(); }

  using Backend::run;  // of what is no operation of this backend
  void run(const TransposeBatches&) override;
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

 private:
  std::string card_;
  Stream stream_;
  Gemm gemm_;
  Staging staging_;
  StepGraphs graphs_;
};

}  // namespace hourglass::cuda
