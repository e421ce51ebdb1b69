#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "hourglass/evaluate/scorer.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass::test {

/// Scores of rows first, ..., first + n - 1, here: [n x n_columns]. All of them are picked.
inline std::vector<float> row_scores(Scorer& scorer, std::int64_t first, std::int64_t n) {
  const std::int64_t width = scorer.n_columns();
  CsrMatrix all;
  all.n_rows = n;
  all.n_columns = width;
  for (std::int64_t row = 1; row <= n; ++row) all.row_offsets.push_back(row * width);
  for (std::int64_t i = 0; i < n * width; ++i) {
    all.columns.push_back(static_cast<std::int32_t>(i % width));
    all.values.push_back(1);
  }
  const CsrBuffer cells(scorer.backend(), all);
  Buffer<float> scores(scorer.backend(), n * width);
  const ScoreRoom room(scorer.backend(), n, width);
  ScoreRows op = scorer.score_rows(first, n, room);
  op.picks[0].cells = cells.ptr();
  op.picks[0].values = scores.ptr();
  scorer.backend().run(op);
  return scores.download();
}
inline std::vector<float> row_scores(Scorer& scorer) {
  return row_scores(scorer, 0, scorer.n_rows());
}

/// Scores of these columns, here: [columns.size() x n_rows].
inline std::vector<float> column_scores(Scorer& scorer, std::span<const std::int32_t> columns) {
  Buffer<float> out(scorer.backend(), std::ssize(columns) * scorer.n_rows());
  scorer.score_columns(columns, {out.ptr(), scorer.n_rows()});
  return out.download();
}

/// Scores that are typed in, [n_rows x n_columns]: a product with the unit matrix.
inline Scorer table_scorer(Backend& backend, const std::vector<float>& scores,
                           std::int64_t n_columns) {
  std::vector<float> unit(static_cast<std::size_t>(n_columns * n_columns));
  for (std::int64_t i = 0; i < n_columns; ++i) {
    unit[static_cast<std::size_t>(i * (n_columns + 1))] = 1;
  }
  return {backend, scores, unit, n_columns};
}

}  // namespace hourglass::test
