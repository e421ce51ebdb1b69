#include "hourglass/model/epoch_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

/// The ratings of the n longest rows.
std::int64_t longest_rows(const CsrMatrix& ratings, std::int64_t n) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(ratings.n_rows));
  for (std::int64_t r = 0; r < ratings.n_rows; ++r) {
    lengths[static_cast<std::size_t>(r)] = ratings.row_length(r);
  }
  const auto end = lengths.begin() + std::min(n, ratings.n_rows);
  std::partial_sort(lengths.begin(), end, lengths.end(), std::greater<>());
  return std::accumulate(lengths.begin(), end, std::int64_t{0});
}

}  // namespace

EpochBatches::EpochBatches(Backend& backend, const CsrMatrix& ratings, std::int32_t batch_size,
                           ColumnRoom room)
    : backend_(&backend),
      ratings_(&ratings),
      batch_size_(batch_size),
      n_batches_((ratings.n_rows - 1) / batch_size + 1),
      most_ratings_(longest_rows(ratings, batch_size)),
      entries_before_(static_cast<std::size_t>(n_batches_) + 1),
      on_device_(CsrBuffer::of_lasting(backend, ratings)),
      order_(backend, ratings.n_rows),
      at_once_(std::clamp<std::int64_t>(backend.transposes_at_once(), 1, n_batches_)) {
  // Engines count a batch's entries in 32 bits.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (most_ratings_ > kMost - batch_size) {
    throw Error(fmt::format("a batch of {} rows can have {} ratings, and {} at most can be taken at "
                            "once; lower --batch-size",
                            batch_size, most_ratings_, kMost - batch_size));
  }
  if (room == ColumnRoom::kNow) reserve_columns();
}

void EpochBatches::reserve_columns() {
  Backend& backend = *backend_;
  const std::int64_t n_rows = std::min(ratings_->n_rows, at_once_ * batch_size_);
  const std::int64_t n_entries = std::min(ratings_->n_entries(), at_once_ * most_ratings_);
  const BatchColumnSizes sizes(at_once_, n_rows, n_entries);
  entries_before_on_device_ = Buffer<std::int64_t>(backend, at_once_ + 1);
  row_begin_ = Buffer<std::int64_t>(backend, sizes.row_begin);
  values_ = Buffer<float>(backend, sizes.values);
  ids_ = Buffer<std::int32_t>(backend, sizes.ids);
  begin_ = Buffer<std::int64_t>(backend, sizes.begin);
  entry_row_ = Buffer<std::int32_t>(backend, sizes.entry_row);
  entry_index_ = Buffer<std::int64_t>(backend, sizes.entry_index);
  n_columns_ = Buffer<std::int32_t>(backend, sizes.n_columns);
  scratch_ = Buffer<std::int64_t>(backend, transpose_scratch(n_entries));
}

void EpochBatches::start(std::span<const std::int32_t> rows) {
  for (std::int64_t k = 0; k < n_batches_; ++k) {
    const std::int64_t first = k * batch_size_;
    const auto batch = rows.subspan(
        static_cast<std::size_t>(first),
        static_cast<std::size_t>(std::min<std::int64_t>(batch_size_, std::ssize(rows) - first)));
    std::int64_t n = 0;
    for (const std::int32_t row : batch) n += ratings_->row_length(row);
    entries_before_[static_cast<std::size_t>(k) + 1] =
        entries_before_[static_cast<std::size_t>(k)] + n;
  }
  order_.upload(rows);
  n_transposed_ = 0;
}

BatchRows EpochBatches::rows(std::int64_t k) const {
  const std::int64_t first = k * batch_size_;
  const std::int64_t n = std::min<std::int64_t>(batch_size_, ratings_->n_rows - first);
  return {on_device_.ptr(), order_.ptr() + first, static_cast<std::int32_t>(n)};
}

BatchColumns EpochBatches::columns(std::int64_t k) {
  if (k < first_ || k >= first_ + n_transposed_) {
    const std::int64_t first = k / at_once_ * at_once_;
    transpose(first, std::min(at_once_, n_batches_ - first));
  }
  const BatchColumns all = {row_begin_.ptr(), values_.ptr(),      ids_.ptr(),      begin_.ptr(),
                            entry_row_.ptr(), entry_index_.ptr(), n_columns_.ptr()};
  return columns_of_batch(all, k - first_, batch_size_,
                          entries_before_[static_cast<std::size_t>(k)] -
                              entries_before_[static_cast<std::size_t>(first_)]);
}

void EpochBatches::transpose(std::int64_t first, std::int64_t n_batches) {
  const std::int64_t base = entries_before_[static_cast<std::size_t>(first)];
  std::vector<std::int64_t> before(static_cast<std::size_t>(n_batches) + 1);
  for (std::size_t k = 0; k < before.size(); ++k) {
    before[k] = entries_before_[static_cast<std::size_t>(first) + k] - base;
  }
  entries_before_on_device_.upload(before);
  const std::int64_t first_row = first * batch_size_;
  backend_->run(
      TransposeBatches{.ratings = on_device_.ptr(),
                       .rows = order_.ptr() + first_row,
                       .n_rows = std::min(n_batches * batch_size_, ratings_->n_rows - first_row),
                       .batch_size = batch_size_,
                       .entries_before = entries_before_on_device_.ptr(),
                       .n_entries = before.back(),
                       .columns = {row_begin_.ptr(), values_.ptr(), ids_.ptr(), begin_.ptr(),
                                   entry_row_.ptr(), entry_index_.ptr(), n_columns_.ptr()},
                       .scratch = scratch_.ptr()});
  first_ = first;
  n_transposed_ = n_batches;
}

}  // namespace hourglass
