#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hourglass/ops/backend.h"

namespace hourglass::bench {

/// Hands everything on to another backend, and every operation by way of
///   template <class Operation> void Derived::relay(const std::string& name, const Operation& op)
/// under the name that benchmarks and their floors know it by. Steps are not handed on: a backend
/// that collects them would run nothing until their end.
template <class Derived>
class RelayBackend : public Backend {
 public:
  explicit RelayBackend(Backend& inner) : inner_(&inner) {}

  std::string kind() const override { return inner_->kind(); }
  std::string description() const override { return inner_->description(); }
  void* allocate(std::size_t bytes) override { return inner_->allocate(bytes); }
  void deallocate(void* memory, std::size_t bytes) noexcept override {
    inner_->deallocate(memory, bytes);
  }
  void copy_in(void* to, const void* from_host, std::size_t bytes) override {
    inner_->copy_in(to, from_host, bytes);
  }
  void copy_out(void* to_host, const void* from, std::size_t bytes) override {
    inner_->copy_out(to_host, from, bytes);
  }
  void synchronize() override { inner_->synchronize(); }
  std::optional<std::size_t> free_memory() const override { return inner_->free_memory(); }
  std::size_t scratch_memory(const hourglass::StepSizes& sizes) const override {
    return inner_->scratch_memory(sizes);
  }
  bool set_math(Math math) override { return inner_->set_math(math); }
  bool reads_host_memory() const override { return inner_->reads_host_memory(); }
  std::int64_t transposes_at_once() const override { return inner_->transposes_at_once(); }
  bool skips_idle_in_gram() const override { return inner_->skips_idle_in_gram(); }
  bool takes_dense_input() const override { return inner_->takes_dense_input(); }
  bool forms_scores() const override { return inner_->forms_scores(); }

  void run(const TransposeBatches& op) override { relay("TransposeBatches", op); }
  void run(const DenseRows& op) override { relay("DenseRows", op); }
  void run(const DropoutInput& op) override { relay("DropoutInput", op); }
  void run(const CatchUpRows& op) override { relay("CatchUpRows", op); }
  void run(const GatherRows& op) override {
    relay(op.append_one ? "GatherRows, input" : "GatherRows, output", op);
  }
  void run(const SparseAdam& op) override {
    relay(op.bias_column ? "SparseAdam, input" : "SparseAdam, output", op);
  }
  void run(const MiddleForward& op) override { relay("MiddleForward", op); }
  void run(const MiddleBackward& op) override { relay("MiddleBackward", op); }
  void run(const MiddleUpdate& op) override { relay("MiddleUpdate", op); }
  void run(const SparsityPenalty& op) override { relay("SparsityPenalty", op); }
  void run(const OutputGram& op) override { relay("OutputGram", op); }
  void run(const OutputGramLoss& op) override { relay("OutputGramLoss", op); }
  void run(const OutputGramUpdate& op) override { relay("OutputGramUpdate", op); }
  void run(const RatedLoss& op) override { relay("RatedLoss", op); }
  void run(const OutputForward& op) override { relay("OutputForward", op); }
  void run(const CellLoss& op) override { relay("CellLoss", op); }
  void run(const OutputBackward& op) override { relay("OutputBackward", op); }
  void run(const OutputDirectUpdate& op) override { relay("OutputDirectUpdate", op); }
  void run(const SelectTop& op) override { relay("SelectTop", op); }
  void run(const ScoreSums& op) override { relay("ScoreSums", op); }
  void run(const PickCells& op) override { relay("PickCells", op); }
  void run(const ScoreRows& op) override { relay("ScoreRows", op); }

 private:
  template <class Operation>
  void relay(const char* name, const Operation& op) {
    static_cast<Derived*>(this)->relay(std::string(name), op);
  }

  Backend* inner_;
};

}  // namespace hourglass::bench
