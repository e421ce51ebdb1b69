#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hourglass/core/ptr.h"
#include "hourglass/ops/batch.h"
#include "hourglass/ops/middle.h"
#include "hourglass/ops/output.h"
#include "hourglass/ops/output_direct.h"
#include "hourglass/ops/ranking.h"
#include "hourglass/ops/sparsity.h"
#include "hourglass/ops/wide.h"

namespace hourglass {

/// How factors of a large product may be rounded before it, for the sake of tensor cores; sums are
/// in fp32 always.
enum class Math {
  kFp32,  ///< not at all
  kTf32,  ///< to 11 significant bits, on tensor cores
  kBf16,  ///< to 8
};

/// Sizes of a training step, as far as they decide what operations need beside their arguments.
struct StepSizes {
  std::int64_t n_columns = 0, batch = 0;
  std::int64_t width = 0;           ///< of the output layer's input, its 1 included
  std::int64_t widest = 0;          ///< units of the middle's widest layer, its 1 included
  std::int64_t middle_units = 0;    ///< of inputs and outputs of all its layers, padded
  std::int64_t middle_weights = 0;  ///< of all its layers
  bool forms_outputs = false;
};

/// Owns memory and runs operations. `run` enqueues: it never allocates and never waits for a device
/// (on a CPU it returns when done). Only `download` and `synchronize` wait. Operations of one
/// backend run in the order they were given. A backend is used from one thread at a time.
///
/// To add an operation: its struct in ops/, a `run` here, a body in every backend, and its case in
/// tests/ops (CONTRIBUTING.md).
class Backend {
 public:
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  /// "cpu", "reference", ...: the kind of device, as `--device` names it.
  virtual std::string kind() const = 0;
  /// One line for people: instruction set and threads, or the card's name.
  virtual std::string description() const = 0;

  virtual void* allocate(std::size_t bytes) = 0;  ///< zero-filled; throws Error where there is none
  virtual void deallocate(void* memory, std::size_t bytes) noexcept = 0;
  virtual void copy_in(void* to, const void* from_host, std::size_t bytes) = 0;
  virtual void copy_out(void* to_host, const void* from, std::size_t bytes) = 0;
  virtual void synchronize() = 0;

  /// Bytes that can be allocated; nothing where that is the operating system's to say.
  virtual std::optional<std::size_t> free_memory() const { return std::nullopt; }

  /// Bytes of the host's memory that operations of such a step come to hold, beside what is allocated.
  virtual std::size_t scratch_memory(const StepSizes&) const { return 0; }

  /// Whether the backend's memory is the host's: either side reads the other's where it lies.
  virtual bool reads_host_memory() const { return false; }

  /// What products of matrices may be computed in from now on; false: the device has no such thing,
  /// and goes on as before.
  virtual bool set_math(Math math) { return math == Math::kFp32; }

  /// How many batches TransposeBatches should be given at once, of an epoch's at most: all, where it
  /// is a few launches in either case; where a batch should stay in the cache, one for each thread.
  virtual std::int64_t transposes_at_once() const { return 1; }

  /// Whether S should be kept for units alone that were live of late (kGramMemory), and completed by
  /// OutputGram where another wakes. Elsewhere it is kept for all: where the pass over the output
  /// layer waits for memory, that costs nothing.
  virtual bool skips_idle_in_gram() const { return false; }

  /// Whether a dense batch's input layer should be one of the middle's, whose products are dense, and
  /// its ratings never sorted by column. If not, DenseRows and a MiddleLayers without input_delta
  /// are none of the backend's operations.
  virtual bool takes_dense_input() const { return false; }
  virtual void run(const DenseRows&) {
    throw std::logic_error("DenseRows: the backend takes no dense input");
  }

  /// Operations between begin_step() and end_step() recur, with other arguments: a backend may
  /// collect and submit them at once. No copies and no synchronize() between the two.
  virtual void begin_step() {}
  virtual void end_step() {}

  virtual void run(const TransposeBatches&) = 0;
  virtual void run(const DropoutInput&) = 0;
  virtual void run(const CatchUpRows&) = 0;
  virtual void run(const GatherRows&) = 0;
  virtual void run(const SparseAdam&) = 0;
  virtual void run(const MiddleForward&) = 0;
  virtual void run(const MiddleBackward&) = 0;
  virtual void run(const MiddleUpdate&) = 0;
  virtual void run(const SparsityPenalty&) = 0;
  virtual void run(const OutputGram&) = 0;
  virtual void run(const OutputGramLoss&) = 0;
  virtual void run(const OutputGramUpdate&) = 0;
  virtual void run(const RatedLoss&) = 0;
  virtual void run(const OutputForward&) = 0;
  virtual void run(const CellLoss&) = 0;
  virtual void run(const OutputBackward&) = 0;
  virtual void run(const OutputDirectUpdate&) = 0;
  virtual void run(const SelectTop&) = 0;
  virtual void run(const ScoreSums&) = 0;
  virtual void run(const PickCells&) = 0;

  /// Whether ScoreRows needs room for all its scores.
  virtual bool forms_scores() const { return true; }
  /// Its parts, one after the other.
  virtual void run(const ScoreRows&);

  template <class T>
  void upload(Ptr<T> to, std::span<const T> from) {
    copy_in(to.raw(), from.data(), from.size_bytes());
  }
  template <class T>
  void download(std::span<T> to, Ptr<const T> from) {
    copy_out(to.data(), from.raw(), to.size_bytes());
  }

 protected:
  Backend() = default;
};

inline void Backend::run(const ScoreRows& op) {
  OutputForward product = op.product;
  Matrix<const float> scores = product.out;
  if (product.hidden.stride == 0) {  // one row, which stands for each of them
    product.n_rows = std::min<std::int64_t>(product.n_rows, 1);
    product.hidden.stride = padded(product.width);
    scores.stride = 0;
  }
  run(product);
  const auto run_part = [&](auto part) {
    part.scores = scores;
    part.n_rows = op.product.n_rows;
    if constexpr (requires { part.n_columns; }) part.n_columns = op.product.n_columns;
    run(part);
  };
  if (op.top.columns) run_part(op.top);
  if (op.sums.squares) run_part(op.sums);
  for (const PickCells& pick : op.picks) {
    if (pick.values) run_part(pick);
  }
}

/// What a step runs, from here to the end of a scope.
class StepScope {
 public:
  explicit StepScope(Backend& backend) : backend_(&backend) { backend_->begin_step(); }
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;
  ~StepScope() noexcept(false) {
    try {
      backend_->end_step();
    } catch (...) {
      if (std::uncaught_exceptions() == exceptions_) throw;
      // Else an operation has thrown, and what it said is what matters.
    }
  }

 private:
  Backend* backend_;
  int exceptions_ = std::uncaught_exceptions();
};

/// An array in a backend's memory, zero-filled at birth; move-only. Must not outlive the backend.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Backend& backend, std::int64_t size)
      : backend_(&backend),
        size_(size),
        data_(static_cast<T*>(backend.allocate(bytes_of(size)))) {}
  Buffer(Backend& backend, std::span<const T> from)
      : Buffer(backend, static_cast<std::int64_t>(from.size())) {
    if (!from.empty()) backend.upload(ptr(), from);
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) {
      backend_->deallocate(data_, static_cast<std::size_t>(size_) * sizeof(T));
    }
  }

  Ptr<T> ptr() { return Ptr<T>(data_); }
  Ptr<const T> ptr() const { return Ptr<const T>(data_); }
  std::int64_t size() const { return size_; }

  void upload(std::span<const T> from) { backend_->upload(ptr(), from); }
  std::vector<T> download() const {
    std::vector<T> host(static_cast<std::size_t>(size_));
    if (size_ > 0) backend_->download(std::span<T>(host), ptr());
    return host;
  }
  /// The array where it lies, if the backend's memory is the host's; else downloaded into `copy`.
  std::span<const T> on_host(std::vector<T>& copy) const {
    if (backend_ == nullptr || backend_->reads_host_memory()) {
      return {data_, static_cast<std::size_t>(size_)};
    }
    copy = download();
    return copy;
  }

 private:
  /// Products of sizes come here: of one beyond any memory, not what is left of it after wrapping.
  static std::size_t bytes_of(std::int64_t size) {
    if (size < 0 || size > std::numeric_limits<std::int64_t>::max() /
                               static_cast<std::int64_t>(sizeof(T))) {
      throw std::bad_array_new_length();
    }
    return static_cast<std::size_t>(size) * sizeof(T);
  }
  void swap(Buffer& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  Backend* backend_ = nullptr;
  std::int64_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace hourglass
