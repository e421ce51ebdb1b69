#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "hourglass/evaluate/scorer.h"

namespace hourglass::test {

/// Scores of rows first, ..., first + n - 1, here: [n x n_columns].
inline std::vector<float> row_scores(Scorer& scorer, std::int64_t first, std::int64_t n) {
  const std::int64_t width = scorer.n_columns();
  Buffer<float> room(scorer.backend(), n * width);
  const bool alike = scorer.score_rows(first, n, {room.ptr(), width}).stride == 0;
  std::vector<float> scores = room.download();
  for (std::int64_t row = 1; alike && row < n; ++row) {
    std::copy_n(scores.begin(), width, scores.begin() + row * width);
  }
  return scores;
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
