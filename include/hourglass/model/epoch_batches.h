#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/ops/backend.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass {

/// When room is made for batches by column, several times their ratings: a network that takes them
/// dense (Autoencoder::takes_columns()) needs none.
enum class ColumnRoom { kNow, kLater };

/// Ratings in a backend's memory and, epoch by epoch, their mini-batches: batch k of an epoch has
/// rows[k * batch_size ..] of the rows that it was started with, the last batch perhaps fewer.
class EpochBatches {
 public:
  /// The backend and the ratings must outlive it.
  EpochBatches(Backend& backend, const CsrMatrix& ratings, std::int32_t batch_size,
               ColumnRoom room = ColumnRoom::kNow);
  /// Makes the room that columns() needs, of ColumnRoom::kLater.
  void reserve_columns();

  /// Begins an epoch over all rows of the ratings, in this order.
  void start(std::span<const std::int32_t> rows);

  std::int64_t size() const { return n_batches_; }
  /// The ratings of batch k.
  std::int64_t n_ratings(std::int64_t k) const {
    return entries_before_[static_cast<std::size_t>(k) + 1] -
           entries_before_[static_cast<std::size_t>(k)];
  }
  /// The most ratings that a batch of any epoch can have.
  std::int64_t most_ratings() const { return most_ratings_; }
  std::int32_t batch_size() const { return batch_size_; }

  BatchRows rows(std::int64_t k) const;
  /// Valid until another batch's are asked for, or the next epoch.
  BatchColumns columns(std::int64_t k);

 private:
  void transpose(std::int64_t first, std::int64_t n_batches);

  Backend* backend_;
  const CsrMatrix* ratings_;
  std::int32_t batch_size_;
  std::int64_t n_batches_, most_ratings_;
  std::vector<std::int64_t> entries_before_;  ///< [n_batches + 1]
  CsrBuffer on_device_;
  Buffer<std::int32_t> order_;
  Buffer<std::int64_t> entries_before_on_device_;  ///< as TransposeBatches wants it

  // The batches first_ .. first_ + n_transposed_ - 1.
  std::int64_t first_ = 0, n_transposed_ = 0;
  std::int64_t at_once_;  ///< how many are transposed
  Buffer<std::int64_t> row_begin_, begin_, entry_index_, scratch_;
  Buffer<std::int32_t> ids_, entry_row_, n_columns_;
  Buffer<float> values_;
};

}  // namespace hourglass
