#include "cpu/backend.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "cpu/dropout.h"
#include "cpu/kernels.h"
#include "cpu/transpose.h"
#include "hourglass/core/huge_pages.h"

namespace hourglass::cpu {
namespace {

constexpr std::size_t kCacheLine = 64;

// How much one thread takes at a time: enough to outweigh taking it, little enough to share well.
constexpr std::int64_t kColumnsAtATime = 32;  // sparse rows of the wide layers
constexpr std::int64_t kGramRowsAtATime = 8;  // of S, to sum up
constexpr std::int64_t kErrorsAtATime = 24;   // columns of errors: whole tiles
constexpr std::int64_t kErrorRowsAtATime =
    16;  // batch rows of errors: the powers of two share evenly

}  // namespace

CpuBackend::CpuBackend(int n_threads) : pool_(n_threads > 0 ? n_threads : available_cores()) {
  ids_.resize(static_cast<std::size_t>(pool_.n_threads()));
}

std::string CpuBackend::description() const {
  const int n = pool_.n_threads();
  return instruction_set() + ", " + std::to_string(n) + (n == 1 ? " thread" : " threads");
}

void* CpuBackend::allocate(std::size_t bytes) {
  if (bytes < kHugePage) {
    const std::size_t size = (bytes / kCacheLine + 1) * kCacheLine;
    void* memory = ::operator new(size, std::align_val_t(kCacheLine));
    return std::memset(memory, 0, size);
  }
  // Fresh pages are zero; huge ones make 512 times fewer page faults (12 microseconds each here).
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  advise_huge_pages(memory, bytes);
  return memory;
}

void CpuBackend::deallocate(void* memory, std::size_t bytes) noexcept {
  if (bytes < kHugePage) {
    ::operator delete(memory, std::align_val_t(kCacheLine));
  } else {
    ::munmap(memory, bytes);
  }
}

void CpuBackend::copy_in(void* to, const void* from_host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from_host, bytes);
}

void CpuBackend::copy_out(void* to_host, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to_host, from, bytes);
}

void CpuBackend::reserve_scratch(std::int64_t floats) {
  const auto wanted = static_cast<std::size_t>(padded(floats));
  if (wanted <= scratch_floats_) return;
  std::vector<float>().swap(scratch_);  // not beside what takes its place
  scratch_.resize(wanted * static_cast<std::size_t>(pool_.n_threads()));
  scratch_floats_ = wanted;  // last: an allocation that fails must not count
}

std::size_t CpuBackend::scratch_memory(const StepSizes& s) const {
  const auto stride = [](std::int64_t width) { return padded(width) + kRowAlignment; };
  std::int64_t thread = kRowsAtATime * stride(s.widest);
  std::int64_t packed = s.batch * s.middle_units;
  std::int64_t pairs = 0, thread_pairs = 0;
  if (s.forms_outputs) {
    thread = std::max(
        {thread, (padded(s.width) + s.batch) * kOutputBlock, kErrorsAtATime * stride(s.width)});
    packed = std::max({packed, s.n_columns * stride(s.width), s.batch * stride(s.width)});
  } else {
    thread = std::max(thread, std::max(3 * kGramRows, kGramBlock) * stride(s.width));
    packed = std::max(packed, (s.width + s.batch) * stride(s.width));
  }
  if (math_ == Math::kBf16) {
    const std::int64_t inner = s.forms_outputs ? s.n_columns : s.width;
    pairs = std::max(bf16_columns_size(inner, s.width), s.middle_weights);
    thread_pairs = bf16_rows_size(std::max(kErrorsAtATime, kGramRows), inner) +
                   bf16_columns_size(s.width, kOutputBlock) + bf16_rows_size(s.batch, s.widest);
  }
  const std::int64_t floats =
      packed + pairs + pool_.n_threads() * (padded(thread) + thread_pairs + s.widest);
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void CpuBackend::reserve_ids(std::int64_t units) {
  if (units <= std::ssize(ids_[0])) return;
  for (std::vector<std::int32_t>& ids : ids_) ids.resize(static_cast<std::size_t>(units));
}

float* CpuBackend::reserve_packed(std::int64_t floats) {
  const auto wanted = static_cast<std::size_t>(floats);
  if (wanted > packed_.size()) {
    std::vector<float>().swap(packed_);
    packed_.resize(wanted);
  }
  return packed_.data();
}

bool CpuBackend::set_math(Math math) {
  if (math == Math::kTf32 || (math == Math::kBf16 && !has_bf16_product())) return false;
  math_ = math;
  return true;
}

void CpuBackend::reserve_pairs(std::int64_t shared, std::int64_t of_thread) {
  if (shared > std::ssize(pairs_)) pairs_.resize(static_cast<std::size_t>(shared));
  if (of_thread > pairs_of_thread_) {
    thread_pairs_.resize(static_cast<std::size_t>(of_thread * pool_.n_threads()));
    pairs_of_thread_ = of_thread;
  }
}

const Bf16Pair* CpuBackend::rounded_columns(const Factor& factor, std::int64_t rows,
                                            std::int64_t at) {
  if (math_ != Math::kBf16) return nullptr;
  constexpr std::int64_t kPanel = 32;
  reserve_pairs(at + bf16_columns_size(factor.inner, factor.columns),
                bf16_rows_size(rows, factor.inner));
  Bf16Pair* pairs = pairs_.data() + at;
  pool_.claim(pieces(factor.columns, kPanel), [&](std::int64_t piece, int) {
    const std::int64_t begin = piece * kPanel;
    pack_bf16_columns(factor.inner, nullptr, begin, std::min(begin + kPanel, factor.columns),
                      factor.data, factor.stride, pairs);
  });
  return pairs;
}

Rounded CpuBackend::rounded(const Bf16Pair* columns, int thread) {
  if (columns == nullptr) return {};
  return {columns, thread_pairs_.data() + thread * pairs_of_thread_};
}

void CpuBackend::run(const TransposeBatches& op) {
  pool_.claim(op.n_batches(), [&](std::int64_t k, int) { transpose_batch(op, k); });
}

void CpuBackend::run(const DropoutInput& op) {
  pool_.split(op.batch.n_rows,
              [&](std::int64_t begin, std::int64_t end, int) { dropout_input(op, begin, end); });
}

void CpuBackend::run(const CatchUpRows& op) {
  const std::int64_t n = op.ids ? op.n_ids[0] : op.n_rows;
  pool_.claim(pieces(n, kColumnsAtATime), [&](std::int64_t piece, int) {
    catch_up_rows(op, piece * kColumnsAtATime, std::min(n, (piece + 1) * kColumnsAtATime));
  });
}

void CpuBackend::run(const GatherRows& op) {
  pool_.claim(pieces(op.batch.n_rows, 4), [&](std::int64_t piece, int) {
    gather_rows(op, piece * 4, std::min<std::int64_t>(op.batch.n_rows, (piece + 1) * 4));
  });
}

void CpuBackend::run(const SparseAdam& op) {
  const std::int64_t n = op.columns.n_columns[op.bias_column ? 1 : 0];
  pool_.claim(pieces(n, kColumnsAtATime), [&](std::int64_t piece, int) {
    sparse_adam(op, piece * kColumnsAtATime, std::min(n, (piece + 1) * kColumnsAtATime));
  });
}

void CpuBackend::run(const DenseRows& op) {
  pool_.split(op.batch.n_rows,
              [&](std::int64_t begin, std::int64_t end, int) { dense_rows(op, begin, end); });
}

void CpuBackend::run(const SparsityPenalty& op) {
  pool_.split(pieces(op.width, kRowAlignment),
              [&](std::int64_t begin, std::int64_t end, int) { sparsity_penalty(op, begin, end); });
  double penalty = 0;
  for (std::int64_t j = 0; j < op.width; ++j) penalty += op.unit_penalties[j];
  *op.penalty.raw() = penalty;
}

const LiveUnits& CpuBackend::live_units(const Matrix<const float>& rows, std::int64_t n_rows,
                                        std::int64_t width) {
  if (rows.data) {
    find_live(rows, n_rows, width, live_);
  } else {
    live_.reserve(width, float_lanes());
    live_.set_all(width);
  }
  return live_;
}

const LiveUnits& CpuBackend::all_units(std::int64_t width) {
  kept_.reserve(width, float_lanes());
  kept_.set_all(width);
  return kept_;
}

const LiveUnits& CpuBackend::count_idle(const LiveUnits& live, Ptr<std::int32_t> idle_batches) {
  kept_.reserve(live.width(), float_lanes());
  std::int64_t next = 0, n_kept = 0;
  for (std::int64_t unit = 0; unit < live.width(); ++unit) {
    const bool is_live = next < live.count() && live.ids()[next] == unit;
    next += is_live ? 1 : 0;
    std::int32_t& idle = idle_batches[unit];
    idle = is_live ? 0 : std::min(idle, kGramMemory) + 1;
    if (idle <= kGramMemory) kept_.ids()[n_kept++] = static_cast<std::int32_t>(unit);
  }
  kept_.set(n_kept, live.width());
  return kept_;
}

void CpuBackend::finish_gram(const Matrix<float>& gram, Ptr<float> partials, std::int64_t n_columns,
                             const LiveUnits& live) {
  const std::int64_t n = live.count(), count = GramSegments(n_columns, live.width()).count;
  // The one segment of no columns has written nothing.
  if (n_columns == 0) std::fill_n(partials.raw(), packed_gram_size(live), 0.0F);
  pool_.claim(pieces(n, kGramRowsAtATime), [&](std::int64_t piece, int) {
    reduce_gram(gram, partials.raw(), count, live, piece * kGramRowsAtATime,
                std::min(n, (piece + 1) * kGramRowsAtATime));
  });
  const std::int32_t* ids = live.ids();
  for (std::int64_t r = 1; r < n; ++r) {
    for (std::int64_t c = 0; c < r; ++c) gram.row(ids[r])[ids[c]] = gram.row(ids[c])[ids[r]];
  }
}

void CpuBackend::run(const OutputGram& op) {
  const LiveUnits& live = live_units(op.hidden, op.n_rows, op.width);
  if (op.idle_batches && std::all_of(live.ids(), live.ids() + live.count(), [&](std::int32_t unit) {
        return op.idle_batches[unit] <= kGramMemory;
      })) {
    return;  // it stands
  }
  reserve_scratch(kGramBlock * live.max_packed_stride());
  pool_.claim(GramSegments(op.n_columns, op.width).count, [&](std::int64_t segment, int thread) {
    gram_segment(op, live, segment, scratch(thread));
  });
  finish_gram(op.gram, op.scratch, op.n_columns, live);
}

void CpuBackend::run(const OutputGramLoss& op) {
  const std::int64_t batch = op.batch.n_rows;
  const std::int64_t gram_pieces = pieces(op.width, kRowsAtATime);
  const LiveUnits& live = live_units(op.hidden, batch, op.width);
  pool_.claim(gram_pieces + pieces(batch, kRowsAtATime), [&](std::int64_t piece, int) {
    if (piece < gram_pieces) {
      hidden_gram(op, piece * kRowsAtATime, std::min(op.width, (piece + 1) * kRowsAtATime));
    } else {
      const std::int64_t begin = (piece - gram_pieces) * kRowsAtATime;
      gram_loss_rows(op, live, begin, std::min(batch, begin + kRowsAtATime));
    }
  });
  double loss = 0;
  for (std::int64_t i = 0; i < batch + op.width; ++i) loss += op.row_sums[i];
  op.loss[0] =
      loss / (static_cast<double>(batch) * static_cast<double>(op.batch.ratings.n_columns));
}

void CpuBackend::run(const OutputGramUpdate& op) {
  const std::int64_t width = op.rows.width;
  // An idle unit's row and column of G are zero: no product needs them.
  const LiveUnits& live = live_units(op.hidden, op.batch, width);
  const std::int64_t stride = live.packed_stride();
  float* gram = reserve_packed((width + op.batch) * live.max_packed_stride());
  float* hidden = gram + live.count() * stride;
  for (std::int64_t i = 0; i < live.count(); ++i) {
    pack_rows(live, op.hidden_gram, live.ids()[i], live.ids()[i] + 1, gram + i * stride, stride);
  }
  pack_rows(live, op.hidden, 0, op.batch, hidden, stride);
  const Bf16Pair* columns = rounded_columns({live.count(), live.count(), gram, stride}, kGramRows);
  const LiveUnits& kept = op.idle_batches ? count_idle(live, op.idle_batches) : all_units(width);
  reserve_scratch(gram_update_scratch(live, kept));
  pool_.claim(GramSegments(op.n_columns, width).count, [&](std::int64_t segment, int thread) {
    gram_update_segment(op, {&live, hidden, gram}, rounded(columns, thread), kept, segment,
                        scratch(thread));
  });
  finish_gram(op.gram, op.scratch, op.n_columns, kept);
}

void CpuBackend::run(const RatedLoss& op) {
  pool_.claim(pieces(op.batch.n_rows, 4), [&](std::int64_t piece, int) {
    rated_loss_rows(op, piece * 4, std::min<std::int64_t>(op.batch.n_rows, (piece + 1) * 4));
  });
  double squares = 0;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) squares += op.row_sums[b];
  op.loss[0] = squares / static_cast<double>(op.n_ratings);
}

void CpuBackend::run(const OutputForward& op) {
  const LiveUnits& live = live_units(op.hidden, op.n_rows, op.width);
  reserve_scratch((padded(op.width) + op.n_rows) * kOutputBlock);
  const bool rounds = math_ == Math::kBf16;
  float* hidden = nullptr;
  if (rounds) {
    reserve_pairs(0,
                  bf16_columns_size(op.width, kOutputBlock) + bf16_rows_size(op.n_rows, op.width));
    hidden = reserve_packed(op.n_rows * live.max_packed_stride());
    pack_rows(live, op.hidden, 0, op.n_rows, hidden, live.packed_stride());
  }
  pool_.claim(pieces(op.n_columns, kOutputBlock), [&](std::int64_t block, int thread) {
    output_forward_block(op, live, block, scratch(thread), hidden,
                         rounds ? thread_pairs_.data() + thread * pairs_of_thread_ : nullptr);
  });
}

void CpuBackend::run(const CellLoss& op) {
  pool_.claim(pieces(op.batch.n_rows, 4), [&](std::int64_t piece, int) {
    cell_loss_rows(op, piece * 4, std::min<std::int64_t>(op.batch.n_rows, (piece + 1) * 4));
  });
  double squares = 0;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) squares += op.row_sums[b];
  op.loss[0] = squares / (static_cast<double>(op.batch.n_rows) *
                          static_cast<double>(op.batch.ratings.n_columns));
}

void CpuBackend::run(const OutputBackward& op) {
  const LiveUnits& live = live_units(op.hidden, op.n_rows, op.width - 1);
  const std::int64_t stride = live.packed_stride();
  float* weight = reserve_packed(op.n_columns * live.max_packed_stride());
  pool_.claim(pieces(op.n_columns, kErrorsAtATime), [&](std::int64_t piece, int) {
    const std::int64_t begin = piece * kErrorsAtATime;
    pack_rows(live, op.weight, begin, std::min(op.n_columns, begin + kErrorsAtATime),
              weight + begin * stride, stride);
  });
  reserve_scratch(kErrorRowsAtATime * live.max_packed_stride());
  const Bf16Pair* columns =
      rounded_columns({op.n_columns, live.count(), weight, stride}, kErrorRowsAtATime);
  pool_.claim(pieces(op.n_rows, kErrorRowsAtATime), [&](std::int64_t piece, int thread) {
    const std::int64_t begin = piece * kErrorRowsAtATime;
    output_backward_rows(op, live, weight, rounded(columns, thread), begin,
                         std::min(op.n_rows, begin + kErrorRowsAtATime), scratch(thread));
  });
}

void CpuBackend::run(const OutputDirectUpdate& op) {
  const LiveUnits& live = live_units(op.hidden, op.n_rows, op.rows.width);
  float* hidden = reserve_packed(op.n_rows * live.max_packed_stride());
  pack_rows(live, op.hidden, 0, op.n_rows, hidden, live.packed_stride());
  reserve_scratch(kErrorsAtATime * live.max_packed_stride());
  const Bf16Pair* columns =
      rounded_columns({op.n_rows, live.count(), hidden, live.packed_stride()}, kErrorsAtATime);
  pool_.claim(pieces(op.n_columns, kErrorsAtATime), [&](std::int64_t piece, int thread) {
    const std::int64_t begin = piece * kErrorsAtATime;
    direct_update_columns(op, live, hidden, rounded(columns, thread), begin,
                          std::min(op.n_columns, begin + kErrorsAtATime), scratch(thread));
  });
}

void CpuBackend::run(const SelectTop& op) {
  pool_.claim(op.n_rows, [&](std::int64_t row, int) { select_top_row(op, row); });
}

void CpuBackend::run(const ScoreSums& op) {
  pool_.claim(op.n_rows, [&](std::int64_t row, int) { score_sums_row(op, row); });
}

void CpuBackend::run(const PickCells& op) {
  const std::int64_t* offsets = op.cells.row_offsets.raw() + op.first_row;
  pool_.claim(op.n_rows, [&](std::int64_t row, int) {
    const float* scores = op.scores.row(row);
    for (auto e = offsets[row]; e < offsets[row + 1]; ++e) {
      op.values[e - offsets[0]] = scores[op.cells.columns[e]];
    }
  });
}

void CpuBackend::run(const ScoreRows& op) {
  if (forms_scores()) {
    Backend::run(op);
    return;
  }
  const OutputForward& product = op.product;
  const ScoreChunks chunks(product.n_columns);
  const std::int64_t k = op.top.columns ? std::min(op.top.k, product.n_columns) : 0;
  const bool alike = product.hidden.stride == 0;
  const std::int64_t n_unlike = alike ? std::min<std::int64_t>(product.n_rows, 1) : product.n_rows;
  const LiveUnits& live = live_units(product.hidden, n_unlike, product.width);
  float* hidden = reserve_packed(n_unlike * live.max_packed_stride());
  pack_rows(live, product.hidden, 0, n_unlike, hidden, live.packed_stride());
  reserve_scratch(score_scratch(live));
  scores_.begin(op, chunks.count(), k, pool_.n_threads());
  pool_.claim(chunks.count(), [&](std::int64_t chunk, int thread) {
    RowScores* rows = scores_.begin_chunk(op, chunk, thread);
    score_rows_chunk(op, live, hidden, chunk, rows, scratch(thread));
    scores_.end_chunk(chunk, thread);
  });
  pool_.split(product.n_rows, [&](std::int64_t begin, std::int64_t end, int thread) {
    for (std::int64_t row = begin; row < end; ++row) scores_.finish_row(op, row, thread);
  });
}

}  // namespace hourglass::cpu
