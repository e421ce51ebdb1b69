#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

#include "core/flush_denormals.h"
#include "hourglass/core/philox.h"
#include "reference/adam.h"
#include "reference/backend.h"

namespace hourglass::reference {

namespace {

/// The columns of rows[0 .. n_rows - 1], one batch.
void transpose(const CsrPtr& ratings, Ptr<const std::int32_t> rows, std::int32_t n_rows,
               const MutableBatchColumns& out) {
  struct Entry {
    std::int32_t column, row;
    std::int64_t index;
  };
  std::vector<Entry> entries;
  std::int64_t index = 0;
  for (std::int32_t b = 0; b < n_rows; ++b) {
    out.row_begin[b] = index;
    const std::int32_t row = rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e, ++index) {
      out.values[index] = ratings.values[e];
      entries.push_back({ratings.columns[e], b, index});
    }
  }
  out.row_begin[n_rows] = index;
  for (std::int32_t b = 0; b < n_rows; ++b, ++index) {
    out.values[index] = 1;
    entries.push_back({static_cast<std::int32_t>(ratings.n_columns), b, index});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.column, a.row) < std::tie(b.column, b.row);
  });
  std::int32_t n_columns = 0;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    if (e == 0 || entries[e].column != entries[e - 1].column) {
      out.ids[n_columns] = entries[e].column;
      out.begin[n_columns] = static_cast<std::int64_t>(e);
      ++n_columns;
    }
    out.entry_row[static_cast<std::int64_t>(e)] = entries[e].row;
    out.entry_index[static_cast<std::int64_t>(e)] = entries[e].index;
  }
  if (n_rows == 0) {  // the bias column comes last even where no row has it
    out.ids[n_columns] = static_cast<std::int32_t>(ratings.n_columns);
    out.begin[n_columns++] = 0;
  }
  out.begin[n_columns] = static_cast<std::int64_t>(entries.size());
  out.n_columns[0] = n_columns - 1;
  out.n_columns[1] = n_columns;
}

}  // namespace

void ReferenceBackend::run(const TransposeBatches& op) {
  for (std::int64_t k = 0; k < op.n_batches(); ++k) {
    const std::int64_t first = k * op.batch_size;
    const std::int64_t n = std::min<std::int64_t>(op.batch_size, op.n_rows - first);
    transpose(op.ratings, op.rows + first, static_cast<std::int32_t>(n),
              columns_of_batch(op.columns, k, op.batch_size, op.entries_before[k]));
  }
}

void ReferenceBackend::run(const DenseRows& op) {
  const CsrPtr& ratings = op.batch.ratings;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    float* out = op.out.row(b);
    std::fill_n(out, padded(ratings.n_columns + 1), 0.0F);
    const std::int32_t row = op.batch.rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e) {
      out[ratings.columns[e]] = ratings.values[e];
    }
    out[ratings.n_columns] = 1;
  }
}

void ReferenceBackend::run(const DropoutInput& op) {
  const CsrPtr& ratings = op.batch.ratings;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    const std::int32_t row = op.batch.rows[b];
    std::int64_t index = op.row_begin[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e, ++index) {
      const auto words =
          philox(op.seed, RandomPurpose::kDropout, op.draw, static_cast<std::uint32_t>(row),
                 static_cast<std::uint32_t>(ratings.columns[e]));
      op.values[index] = uniform(words[0]) < op.probability ? 0 : ratings.values[e] * op.scale;
    }
    op.values[op.row_begin[op.batch.n_rows] + b] = 1;
  }
}

void ReferenceBackend::run(const CatchUpRows& op) {
  const FlushDenormals flush;
  const std::int64_t n = op.ids ? op.n_ids[0] : op.n_rows;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t row = op.ids ? op.ids[i] : i;
    for (std::int64_t s = op.rows.last_step[row] + 1; s <= op.step; ++s) {
      for (std::int64_t c = 0; c < op.rows.width; ++c) {
        adam_element(op.rows, op.adam, s, row, c, 0);
      }
    }
    op.rows.last_step[row] = op.step;
  }
}

void ReferenceBackend::run(const GatherRows& op) {
  const FlushDenormals flush;
  const CsrPtr& ratings = op.batch.ratings;
  for (std::int32_t b = 0; b < op.batch.n_rows; ++b) {
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row];
    const Ptr<const float> values =
        op.values ? op.values + op.row_begin[b] : ratings.values + first;
    for (std::int64_t c = 0; c < op.width; ++c) {
      double sum = 0;
      for (auto e = first; e < ratings.row_offsets[row + 1]; ++e) {
        sum += static_cast<double>(values[e - first]) * op.weight.row(ratings.columns[e])[c];
      }
      if (op.bias_row >= 0) sum += op.weight.row(op.bias_row)[c];
      op.out.row(b)[c] = static_cast<float>(op.relu ? std::max(sum, 0.0) : sum);
    }
    if (op.append_one) op.out.row(b)[op.width] = 1;
  }
}

void ReferenceBackend::run(const SparseAdam& op) {
  const FlushDenormals flush;
  const std::int32_t n = op.columns.n_columns[op.bias_column ? 1 : 0];
  for (std::int32_t i = 0; i < n; ++i) {
    const std::int32_t row = op.columns.ids[i];
    for (std::int64_t c = 0; c < op.rows.width; ++c) {
      double sum = 0;
      for (auto e = op.columns.begin[i]; e < op.columns.begin[i + 1]; ++e) {
        sum += static_cast<double>(op.coefficients[op.columns.entry_index[e]]) *
               op.factor.row(op.columns.entry_row[e])[c];
      }
      adam_element(op.rows, op.adam, op.step, row, c, op.scale * sum);
    }
    op.rows.last_step[row] = op.step;
  }
}

}  // namespace hourglass::reference
