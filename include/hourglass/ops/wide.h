#pragma once

#include <cstdint>

#include "hourglass/ops/adam.h"
#include "hourglass/ops/batch.h"

// The wide layers: one row of weights per column id (DESIGN 3.1). Rows are [width], stride padded.
namespace hourglass {

/// Replays the missed zero-gradient steps of a deferred matrix, so that its rows stand as Adam leaves
/// them after `step`. Rows: the columns that occur in the batch, or all n_rows where ids is null.
struct CatchUpRows {
  AdamMatrix rows;
  AdamConstants adam;
  std::int64_t step = 0;
  Ptr<const std::int32_t> ids;    ///< [*n_ids], or null: rows 0 .. n_rows - 1
  Ptr<const std::int32_t> n_ids;  ///< [1]
  std::int64_t n_rows = 0;        ///< rows of the matrix
};

/// out[b, :] = act(sum_j x[b, j] weight[j, :] (+ weight[bias_row, :])), sums in column order.
/// [batch x width]; where `append_one`, column `width` of out is set to 1 (the next layer's bias).
struct GatherRows {
  BatchRows batch;
  Matrix<const float> weight;  ///< [n_columns (+ 1) x width]
  std::int64_t width = 0;
  std::int64_t bias_row = -1;  ///< -1: no bias
  bool relu = false;
  bool append_one = false;
  Matrix<float> out;
  /// Where set: x in batch order, instead of the ratings' own values.
  Ptr<const float> values = {};
  Ptr<const std::int64_t> row_begin = {};  ///< [batch + 1]; with `values`
};

/// The sparse gradient and Adam, in one pass over the rows that occur in the batch: for a column j,
///   g[j, :] = scale * sum over its entries e of coefficients[entry_index[e]] * factor[entry_row[e], :]
/// summed in row order, then Adam's step `step`. Serves the input layer (coefficients: the ratings,
/// factor: its gradient) and the output layer of rated cells (coefficients: the errors, factor: the
/// last hidden activations). The rows must have been caught up to step - 1.
struct SparseAdam {
  BatchColumns columns;
  bool bias_column = false;          ///< whether the bias column takes part
  Ptr<const float> coefficients;     ///< in batch order
  Matrix<const float> factor;        ///< [batch x rows.width]
  float scale = 1;
  std::int64_t max_columns = 0;      ///< at least the columns that occur
  AdamMatrix rows;
  AdamConstants adam;
  std::int64_t step = 0;
};

}  // namespace hourglass
