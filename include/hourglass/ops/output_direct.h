#pragma once

#include <cstdint>

#include "hourglass/ops/adam.h"
#include "hourglass/ops/batch.h"

// The loss over all cells by the direct products: where the targets are dense, or the last hidden
// layer is wide beside the batch, they cost less than the one pass of ops/output.h. The outputs are
// formed after all, Y = Ha Wa^T by OutputForward, and the errors take their place:
//   E = 2 / (n_rows n_columns) (Y - X)    [n_rows x n_columns], zeros of X included
// Ha = [h 1] is [n_rows x width], Wa = [W b] is [n_columns x width], width = hidden + 1; X holds
// the batch's ratings.
namespace hourglass {

/// From the outputs to the errors, in place, and
///   loss = sum (Y - X)^2 / (n_rows n_columns)      squares and sums in double
/// Nothing between two rows of the outputs is read or written.
struct CellLoss {
  BatchRows batch;
  Matrix<float> outputs;  ///< in: Y; out: E [n_rows x n_columns]
  Ptr<double> row_sums;   ///< scratch [n_rows]
  Ptr<double> loss;       ///< out [1]
  Matrix<const float> dense = {};  ///< where set: X once more, as DenseRows leaves it
};

/// grad_hidden = E W: the gradient of the loss by h. Where `hidden` is set, of a unit that is idle, zero
/// in every row of it, anything finite may be left: the ReLU behind it lets nothing through.
struct OutputBackward {
  Matrix<const float> errors;  ///< E [n_rows x n_columns]
  Matrix<const float> weight;  ///< Wa [n_columns x width]
  std::int64_t n_rows = 0, n_columns = 0, width = 0;
  Matrix<float> grad_hidden;  ///< out [n_rows x width - 1]
  Matrix<const float> hidden = {};  ///< Ha [n_rows x width]
};

/// grad Wa = E^T Ha, and Adam's step on it in the same pass.
struct OutputDirectUpdate {
  Matrix<const float> errors;  ///< E [n_rows x n_columns]
  Matrix<const float> hidden;  ///< Ha [n_rows x width]
  std::int64_t n_rows = 0, n_columns = 0;
  AdamMatrix rows;  ///< Wa [n_columns x width]; never deferred
  AdamConstants adam;
  std::int64_t step = 0;
  /// [direct_scratch(n_columns, width)], for an engine whose product cannot take the step itself:
  /// the gradient.
  Ptr<float> scratch;
};

constexpr std::int64_t direct_scratch(std::int64_t n_columns, std::int64_t width) {
  return n_columns * padded(width);
}

}  // namespace hourglass
