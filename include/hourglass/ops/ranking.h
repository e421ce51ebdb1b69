#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "hourglass/ops/batch.h"
#include "hourglass/ops/output.h"

// What rankings and errors need of a matrix of scores, so that the scores themselves stay where
// they are: a line each for a row of the matrix, and of the CSR matrices beside it the rows
// first_row, first_row + 1, ... Denormal scores count as 0, and 0 and -0 are equal.
namespace hourglass {

/// The k best of each row: the greatest, of equal ones those with the lower column. Candidates are
/// the columns whose score is above the threshold and which are not excluded; NaN is above nothing.
/// The scores are not changed.
struct SelectTop {
  Matrix<const float> scores;  ///< [n_rows x n_columns]
  std::int64_t n_rows = 0, n_columns = 0;
  CsrPtr excluded;  ///< by its columns; values are not read. row_offsets null: nothing is
  std::int64_t first_row = 0;
  float threshold = -std::numeric_limits<float>::infinity();
  std::int64_t k = 0;          ///< any; beyond n_columns it only takes room
  Ptr<std::int32_t> columns;   ///< out [n_rows x k] best first; -1 where there are no more
  Ptr<float> values;           ///< out [n_rows x k] their scores; minus infinity likewise
  Ptr<std::int32_t> counts;    ///< out [n_rows] how many there are
  Ptr<std::uint64_t> scratch;  ///< [select_top_scratch(n_rows, k)]
};

/// A candidate as one number: the better of two has the greater key. No candidate's is 0.
constexpr std::uint64_t ranking_key(float score, std::int32_t column) {
  constexpr std::uint32_t kSign = 0x80000000U;
  const auto bits = std::bit_cast<std::uint32_t>(score == 0 ? 0.0F : score);
  const std::uint32_t ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return std::uint64_t{ascending} << 32 | ~static_cast<std::uint32_t>(column);
}
/// Its score again, a denormal or -0 as 0.
constexpr float score_of_key(std::uint64_t key) {
  constexpr std::uint32_t kSign = 0x80000000U;
  const auto ascending = static_cast<std::uint32_t>(key >> 32);
  return std::bit_cast<float>((ascending & kSign) != 0 ? ascending ^ kSign : ~ascending);
}
constexpr std::int32_t column_of_key(std::uint64_t key) {
  return static_cast<std::int32_t>(~static_cast<std::uint32_t>(key));
}

/// Keys in a row's share of the scratch: the k best, and a run of as many candidates more as come
/// between two times that the best are put in order. A power of two.
constexpr std::int64_t select_top_keys(std::int64_t k) {
  constexpr std::uint64_t kLeast = 1024;
  return static_cast<std::int64_t>(2 *
                                   std::bit_ceil(std::max(static_cast<std::uint64_t>(k), kLeast)));
}
constexpr std::int64_t select_top_scratch(std::int64_t n_rows, std::int64_t k) {
  return n_rows * select_top_keys(k);
}

/// Of each row the sum of its squared scores, and how many scores are above the threshold.
struct ScoreSums {
  Matrix<const float> scores;  ///< [n_rows x n_columns]
  std::int64_t n_rows = 0, n_columns = 0;
  float threshold = 0;
  Ptr<double> squares;        ///< out [n_rows]; squares and sums in double
  Ptr<std::int64_t> n_above;  ///< out [n_rows]
};

/// The scores at the entries of a sparse matrix, in its order.
struct PickCells {
  Matrix<const float> scores;  ///< [n_rows x n_columns]
  std::int64_t n_rows = 0;
  CsrPtr cells;  ///< values are not read
  std::int64_t first_row = 0;
  Ptr<float> values;  ///< out [entries of the rows]
};

inline constexpr std::size_t kMostPicks = 3;

/// OutputForward's rows, and what the operations above make of them, in one pass: all scores of
/// many rows are more than a cache holds, and each is needed for a moment only. The scores, n_rows
/// and n_columns of `top`, `sums` and `picks` are not read: they are the product's. What has a null
/// output (top.columns, sums.squares, a pick's values) is not wanted.
struct ScoreRows {
  /// hidden may have a stride of 0: all rows are alike. out: room for the scores, where the backend
  /// forms them (Backend::forms_scores).
  OutputForward product;
  SelectTop top = {};
  ScoreSums sums = {};
  std::array<PickCells, kMostPicks> picks = {};
};

}  // namespace hourglass
