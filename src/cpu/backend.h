#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/score_scratch.h"
#include "cpu/thread_pool.h"
#include "hourglass/ops/backend.h"

namespace hourglass::cpu {

/// The fast engine on the processor: SIMD chosen at run time, one pool of threads. The same bits
/// for any number of threads (DESIGN 3.6).
class CpuBackend : public Backend {
 public:
  /// n_threads 0: as many as the cores this process may use.
  explicit CpuBackend(int n_threads);

  std::string kind() const override { return "cpu"; }
  std::string description() const override;

  void* allocate(std::size_t bytes) override;
  void deallocate(void* memory, std::size_t bytes) noexcept override;
  void copy_in(void* to, const void* from_host, std::size_t bytes) override;
  void copy_out(void* to_host, const void* from, std::size_t bytes) override;
  void synchronize() override {}
  std::size_t scratch_memory(const StepSizes& sizes) const override;
  bool reads_host_memory() const override { return true; }
  /// bf16 where the processor has AVX-512's instruction for it: see rounded_columns().
  bool set_math(Math math) override;
  std::int64_t transposes_at_once() const override { return pool_.n_threads(); }
  bool takes_dense_input() const override { return true; }
  bool skips_idle_in_gram() const override { return true; }

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
  /// A pass over rounded factors is their product's alone (rounded_columns()).
  bool forms_scores() const override { return math_ == Math::kBf16; }
  void run(const ScoreRows&) override;

 private:
  /// Batch rows or weight rows of a product that one thread takes at a time.
  static constexpr std::int64_t kRowsAtATime = 24;

  /// Scratch of `floats` for each thread; grows at an operation's first run, then stays.
  void reserve_scratch(std::int64_t floats);
  float* scratch(int thread) {
    return scratch_.data() + static_cast<std::size_t>(thread) * scratch_floats_;
  }
  /// In bf16, the right factor of a product rounded, once for all threads, into pairs_ from `at`
  /// on, and scratch of `rows` x inner for each thread's left one; in fp32, nothing.
  struct Factor {
    std::int64_t inner, columns;
    const float* data;
    std::int64_t stride;
  };
  const Bf16Pair* rounded_columns(const Factor& factor, std::int64_t rows, std::int64_t at = 0);
  /// The same of each wide layer of the middle, null for the others. factor_of(layer): its
  /// product's.
  using RoundedLayers = std::array<const Bf16Pair*, kMaxMiddleLayers>;
  template <class FactorOf>
  RoundedLayers round_layers(const MiddleLayers& m, const FactorOf& factor_of);
  std::array<Rounded, kMaxMiddleLayers> of_thread(const RoundedLayers& layers, int thread);
  void reserve_pairs(std::int64_t shared, std::int64_t of_thread);
  Rounded rounded(const Bf16Pair* columns, int thread);
  /// Room for so many units in each thread's ids_.
  void reserve_ids(std::int64_t units);
  /// Memory that all threads read in an operation; grows likewise.
  float* reserve_packed(std::int64_t floats);
  /// The units that are not zero in every row; all of them where there are no rows to tell by.
  const LiveUnits& live_units(const Matrix<const float>& rows, std::int64_t n_rows,
                              std::int64_t width);

  /// Where `live` is of this batch: the units that were live within kGramMemory batches, counting
  /// on.
  const LiveUnits& count_idle(const LiveUnits& live, Ptr<std::int32_t> idle_batches);
  const LiveUnits& all_units(std::int64_t width);
  void finish_gram(const Matrix<float>& gram, Ptr<float> partials, std::int64_t n_columns,
                   const LiveUnits& live);

  ThreadPool pool_;
  ScoreScratch scores_;
  std::vector<float> scratch_;
  std::size_t scratch_floats_ = 0;  ///< for each thread
  Math math_ = Math::kFp32;
  std::vector<Bf16Pair> pairs_;         ///< what all threads read of rounded factors
  std::vector<Bf16Pair> thread_pairs_;  ///< scratch of each thread
  std::int64_t pairs_of_thread_ = 0;
  LiveUnits live_, kept_;
  std::vector<float> packed_;  ///< what all threads read of a layer's live units
  std::vector<LiveUnits> live_inputs_, live_deltas_;  ///< of the middle's layers
  std::vector<std::vector<std::int32_t>> ids_;        ///< scratch of each thread
};

}  // namespace hourglass::cpu
