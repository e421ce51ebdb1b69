#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_ranking.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "cpu/candidates-inl.h"
#include "cpu/kernels.h"
#include "cpu/squares-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void select_top_row(const SelectTop& op, std::int64_t row) {
  std::int64_t n = 0;
  std::uint64_t* keys = op.scratch.raw() + row * select_top_keys(op.k);
  const float* scores = op.scores.row(row);
  if (op.k > 0) {
    Candidates candidates(op.k, keys, op.threshold);
    const std::int32_t *excluded = nullptr, *excluded_end = nullptr;
    if (op.excluded.row_offsets) {
      const std::int64_t* offsets = op.excluded.row_offsets.raw() + op.first_row + row;
      excluded = op.excluded.columns.raw() + offsets[0];
      excluded_end = op.excluded.columns.raw() + offsets[1];
    }
    take_candidates_but(excluded, excluded_end, scores, 0, op.n_columns, candidates);
    n = candidates.best();
    std::sort(keys, keys + n, std::greater<>());
  }
  for (std::int64_t i = 0; i < op.k; ++i) {
    const std::int32_t column = i < n ? column_of_key(keys[i]) : -1;
    op.columns[row * op.k + i] = column;
    op.values[row * op.k + i] = i < n ? scores[column] : -std::numeric_limits<float>::infinity();
  }
  op.counts[row] = static_cast<std::int32_t>(n);
}

void score_sums_row(const ScoreSums& op, std::int64_t row) {
  const float* scores = op.scores.row(row);
  op.squares[row] = sum_of_squares(op.n_columns, [&](std::int64_t c) { return scores[c]; });
  std::int32_t n_above = 0;
  for (std::int64_t c = 0; c < op.n_columns; ++c) n_above += scores[c] > op.threshold ? 1 : 0;
  op.n_above[row] = n_above;
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(select_top_row);
HWY_EXPORT(score_sums_row);

void select_top_row(const SelectTop& op, std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(select_top_row)(op, row);
}
void score_sums_row(const ScoreSums& op, std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(score_sums_row)(op, row);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
