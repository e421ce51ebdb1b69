#include "core/flush_denormals.h"
#include "reference/adam.h"
#include "reference/backend.h"

namespace hourglass::reference {

void ReferenceBackend::run(const CellLoss& op) {
  const FlushDenormals flush;
  const CsrPtr& ratings = op.batch.ratings;
  const double cells =
      static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  double squares = 0;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    std::int64_t next = ratings.row_offsets[op.batch.rows[b]];
    const std::int64_t end = ratings.row_offsets[op.batch.rows[b] + 1];
    for (std::int64_t j = 0; j < ratings.n_columns; ++j) {
      float& y = op.outputs.row(b)[j];
      double error = y;
      if (next < end && ratings.columns[next] == j) error -= ratings.values[next++];
      squares += error * error;
      y = static_cast<float>(2 / cells * error);
    }
  }
  op.loss[0] = squares / cells;
}

void ReferenceBackend::run(const OutputBackward& op) {
  const FlushDenormals flush;
  for (std::int64_t b = 0; b < op.n_rows; ++b) {
    for (std::int64_t c = 0; c + 1 < op.width; ++c) {
      double sum = 0;
      for (std::int64_t j = 0; j < op.n_columns; ++j) {
        sum += static_cast<double>(op.errors.row(b)[j]) * op.weight.row(j)[c];
      }
      op.grad_hidden.row(b)[c] = static_cast<float>(sum);
    }
  }
}

void ReferenceBackend::run(const OutputDirectUpdate& op) {
  const FlushDenormals flush;
  for (std::int64_t j = 0; j < op.n_columns; ++j) {
    for (std::int64_t c = 0; c < op.rows.width; ++c) {
      double gradient = 0;
      for (std::int64_t b = 0; b < op.n_rows; ++b) {
        gradient += static_cast<double>(op.errors.row(b)[j]) * op.hidden.row(b)[c];
      }
      adam_element(op.rows, op.adam, op.step, j, c, gradient);
    }
  }
}

}  // namespace hourglass::reference
