#include <algorithm>
#include <vector>

#include "core/flush_denormals.h"
#include "reference/adam.h"
#include "reference/backend.h"

namespace hourglass::reference {

void ReferenceBackend::run(const OutputGram& op) {
  const FlushDenormals flush;
  for (std::int64_t i = 0; i < op.width; ++i) {
    for (std::int64_t k = 0; k < op.width; ++k) {
      double sum = 0;
      for (std::int64_t j = 0; j < op.n_columns; ++j) {
        sum += static_cast<double>(op.weight.row(j)[i]) * op.weight.row(j)[k];
      }
      op.gram.row(i)[k] = static_cast<float>(sum);
    }
  }
}

void ReferenceBackend::run(const OutputGramLoss& op) {
  const FlushDenormals flush;
  const CsrPtr& ratings = op.batch.ratings;
  const double cells = static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  double loss = 0;
  for (std::int64_t i = 0; i < op.width; ++i) {
    for (std::int64_t k = 0; k < op.width; ++k) {
      double sum = 0;
      for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
        sum += static_cast<double>(op.hidden.row(b)[i]) * op.hidden.row(b)[k];
      }
      op.hidden_gram.row(i)[k] = static_cast<float>(sum);
      loss += sum * op.gram.row(i)[k];
    }
  }
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    for (std::int64_t i = 0; i < op.width; ++i) {
      loss -= 2.0 * op.product.row(b)[i] * op.hidden.row(b)[i];
    }
    const std::int32_t row = op.batch.rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e) {
      loss += static_cast<double>(ratings.values[e]) * ratings.values[e];
    }
    for (std::int64_t i = 0; i + 1 < op.width; ++i) {
      double sum = -static_cast<double>(op.product.row(b)[i]);
      for (std::int64_t k = 0; k < op.width; ++k) {
        sum += static_cast<double>(op.hidden.row(b)[k]) * op.gram.row(k)[i];
      }
      op.grad_hidden.row(b)[i] = static_cast<float>(2 / cells * sum);
    }
  }
  op.loss[0] = loss / cells;
}

void ReferenceBackend::run(const OutputGramUpdate& op) {
  {
    const FlushDenormals flush;
    const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
    std::vector<double> grad(static_cast<std::size_t>(op.rows.width));
    std::int32_t next = 0;  // the next column that occurs in the batch
    for (std::int64_t j = 0; j < op.n_columns; ++j) {
      for (std::int64_t c = 0; c < op.rows.width; ++c) {
        double sum = 0;
        for (std::int64_t k = 0; k < op.rows.width; ++k) {
          sum += static_cast<double>(op.rows.weight.row(j)[k]) * op.hidden_gram.row(k)[c];
        }
        grad[static_cast<std::size_t>(c)] = sum;
      }
      if (next < op.columns.n_columns[0] && op.columns.ids[next] == j) {
        for (auto e = op.columns.begin[next]; e < op.columns.begin[next + 1]; ++e) {
          const double x = op.columns.values[op.columns.entry_index[e]];
          for (std::int64_t c = 0; c < op.rows.width; ++c) {
            grad[static_cast<std::size_t>(c)] -= x * op.hidden.row(op.columns.entry_row[e])[c];
          }
        }
        ++next;
      }
      for (std::int64_t c = 0; c < op.rows.width; ++c) {
        adam_element(op.rows, op.adam, op.step, j, c,
                     2 / cells * grad[static_cast<std::size_t>(c)]);
      }
    }
  }
  for (std::int64_t c = 0; op.idle_batches && c < op.rows.width; ++c) {
    bool idle = true;
    for (std::int64_t b = 0; b < op.batch; ++b) idle = idle && op.hidden.row(b)[c] == 0;
    op.idle_batches[c] = idle ? std::min(op.idle_batches[c], kGramMemory) + 1 : 0;
  }
  run(OutputGram{.weight = op.rows.weight,
                 .n_columns = op.n_columns,
                 .width = op.rows.width,
                 .gram = op.gram,
                 .scratch = op.scratch});
}

void ReferenceBackend::run(const RatedLoss& op) {
  const FlushDenormals flush;
  const CsrPtr& ratings = op.batch.ratings;
  const double scale = 2.0 / static_cast<double>(op.n_ratings);
  std::vector<double> grad(static_cast<std::size_t>(op.width));
  double squares = 0;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    std::fill(grad.begin(), grad.end(), 0.0);
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row];
    for (auto e = first; e < ratings.row_offsets[row + 1]; ++e) {
      const float* w = op.weight.row(ratings.columns[e]);
      double error = -static_cast<double>(ratings.values[e]);
      for (std::int64_t c = 0; c < op.width; ++c) {
        error += static_cast<double>(op.hidden.row(b)[c]) * w[c];
      }
      op.errors[op.row_begin[b] + e - first] = static_cast<float>(error);
      squares += error * error;
      for (std::int64_t c = 0; c < op.width; ++c) grad[static_cast<std::size_t>(c)] += error * w[c];
    }
    for (std::int64_t c = 0; c + 1 < op.width; ++c) {
      op.grad_hidden.row(b)[c] = static_cast<float>(scale * grad[static_cast<std::size_t>(c)]);
    }
  }
  op.loss[0] = squares / static_cast<double>(op.n_ratings);
}

void ReferenceBackend::run(const OutputForward& op) {
  const FlushDenormals flush;
  for (std::int64_t b = 0; b < op.n_rows; ++b) {
    for (std::int64_t j = 0; j < op.n_columns; ++j) {
      double sum = 0;
      for (std::int64_t c = 0; c < op.width; ++c) {
        sum += static_cast<double>(op.hidden.row(b)[c]) * op.weight.row(j)[c];
      }
      op.out.row(b)[j] = static_cast<float>(sum);
    }
  }
}

}  // namespace hourglass::reference
