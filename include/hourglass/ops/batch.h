#pragma once

#include <cstdint>

#include "hourglass/core/ptr.h"

namespace hourglass {

/// A sparse matrix in a backend's memory, compressed by row; columns ascend within a row.
struct CsrPtr {
  Ptr<const std::int64_t> row_offsets;  ///< [n_rows + 1]
  Ptr<const std::int32_t> columns;      ///< [n_entries]
  Ptr<const float> values;              ///< [n_entries]
  std::int64_t n_rows = 0, n_columns = 0;
};

/// The rows of one mini-batch: row b of the batch is row rows[b] of the ratings.
struct BatchRows {
  CsrPtr ratings;
  Ptr<const std::int32_t> rows;  ///< [n_rows]
  std::int32_t n_rows = 0;
};

/// The ratings of one mini-batch, by row and by column. `batch order` is row by row, ascending columns
/// within a row. The input layer's bias is a row of its weights whose input is always 1: it appears
/// as one more column, id n_columns, that every row of the batch has rated 1; it comes last in the
/// column lists, and its entries come after all others in batch order.
template <class Int32, class Int64, class Float>
struct BasicBatchColumns {
  Ptr<Int64> row_begin;     ///< [batch + 1] where a batch row's entries begin, in batch order
  Ptr<Float> values;        ///< [entries + batch] in batch order; then the bias's ones
  Ptr<Int32> ids;           ///< [n_columns[1]] the columns that occur, ascending; the bias column last
  Ptr<Int64> begin;         ///< [n_columns[1] + 1] where a column's entries begin, below
  Ptr<Int32> entry_row;     ///< [entries + batch] batch row of each entry, ascending within a column
  Ptr<Int64> entry_index;   ///< [entries + batch] the entry's place in batch order
  Ptr<Int32> n_columns;     ///< [2] how many columns occur: [0] without the bias column, [1] with it
};
using BatchColumns = BasicBatchColumns<const std::int32_t, const std::int64_t, const float>;
using MutableBatchColumns = BasicBatchColumns<std::int32_t, std::int64_t, float>;

constexpr BatchColumns as_const(const MutableBatchColumns& c) {
  return {c.row_begin, c.values, c.ids, c.begin, c.entry_row, c.entry_index, c.n_columns};
}

/// Sorts the entries of consecutive batches by (column, row): batch k is rows[k * batch_size ..], of
/// which the last may have fewer. All their columns lie one after the other in the same arrays, and
/// columns_of_batch() finds one batch's.
struct TransposeBatches {
  CsrPtr ratings;
  Ptr<const std::int32_t> rows;            ///< [n_rows]
  std::int64_t n_rows = 0;
  std::int32_t batch_size = 0;             ///< > 0
  Ptr<const std::int64_t> entries_before;  ///< [n_batches() + 1] entries of all batches before k
  std::int64_t n_entries = 0;              ///< of all of them
  MutableBatchColumns columns;             ///< sizes: BatchColumnSizes
  Ptr<std::int64_t> scratch;               ///< [transpose_scratch(n_entries)]

  /// No rows are one batch, whose only column is the bias's.
  constexpr std::int64_t n_batches() const {
    return n_rows == 0 ? 1 : (n_rows + batch_size - 1) / batch_size;
  }
};

constexpr std::int64_t transpose_scratch(std::int64_t n_entries) {
  return 4 * n_entries + (std::int64_t{1} << 17);
}

/// Elements of TransposeBatches' arrays.
struct BatchColumnSizes {
  std::int64_t row_begin, values, ids, begin, entry_row, entry_index, n_columns;

  constexpr BatchColumnSizes(std::int64_t n_batches, std::int64_t n_rows, std::int64_t n_entries)
      : row_begin(n_rows + n_batches),
        values(n_entries + n_rows),
        ids(n_entries + n_rows + n_batches),
        begin(n_entries + n_rows + 2 * n_batches),
        entry_row(values),
        entry_index(values),
        n_columns(2 * n_batches) {}
};

/// Batch k's share, `entries_before` entries being of the batches before it.
template <class Columns>
constexpr Columns columns_of_batch(const Columns& all, std::int64_t k, std::int64_t batch_size,
                                   std::int64_t entries_before) {
  const std::int64_t rows = k * batch_size, entries = entries_before + rows;
  return {all.row_begin + (rows + k),
          all.values + entries,
          all.ids + (entries + k),
          all.begin + (entries + 2 * k),
          all.entry_row + entries,
          all.entry_index + entries,
          all.n_columns + 2 * k};
}

/// out[b, :] = row b of the batch, zero where there is no rating; and 1 in column n_columns, so that a
/// bias rides in what it is multiplied by. [n_rows x (n_columns + 1)]; the padding becomes zero.
/// For batches that are no longer sparse: a product of them is a dense one, with the same bits.
struct DenseRows {
  BatchRows batch;
  Matrix<float> out;
};

/// Dropout on a batch's input (torch.nn.Dropout): in batch order, the rating x of (row, column)
/// becomes 0 where uniform(Philox(seed, kDropout, draw, row, column)) < probability, else
/// x * scale. The row is that of the ratings, so that neither the batch nor the engine matters.
struct DropoutInput {
  BatchRows batch;
  Ptr<const std::int64_t> row_begin;  ///< [batch + 1] as TransposeBatches leaves it
  float probability = 0;
  float scale = 1;  ///< 1 / (1 - probability)
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;
  Ptr<float> values;  ///< out [entries + batch]; then the bias's ones
};

}  // namespace hourglass
