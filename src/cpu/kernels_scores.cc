#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_scores.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/candidates-inl.h"
#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/transposed-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

// The cells of row `row` of a sparse matrix from column `begin` on.
HWY_INLINE RowScores::Cells cells_from(const CsrPtr& cells, std::int64_t row, std::int64_t begin) {
  const std::int32_t* columns = cells.columns.raw();
  const std::int32_t* end = columns + cells.row_offsets[row + 1];
  return {std::lower_bound(columns + cells.row_offsets[row], end, begin), end, nullptr};
}

HWY_INLINE void begin_row(const ScoreRows& op, std::int64_t r, std::int64_t begin, RowScores& row) {
  row.squares = {};
  row.n_above = 0;
  row.excluded = {};
  row.picks = {};
  if (op.top.columns && op.top.excluded.row_offsets) {
    row.excluded = cells_from(op.top.excluded, op.top.first_row + r, begin);
  }
  row.excluded_column = row.excluded.column();
  for (std::size_t i = 0; i < op.picks.size(); ++i) {
    const PickCells& pick = op.picks[i];
    RowScores::Cells& cells = row.picks[i];
    if (pick.values) {
      cells = cells_from(pick.cells, pick.first_row + r, begin);
      cells.value = pick.values.raw() + (cells.next - pick.cells.columns.raw()) -
                    pick.cells.row_offsets[pick.first_row];
    }
    row.picked_columns[i] = cells.column();
  }
}

// The square of a float is exact in double: fused or not, the sums' bits are the same.
HWY_INLINE void add_squares(const float* scores, std::int64_t n, double* sums) {
  const hn::CappedTag<double, RowScores::kSums> d;
  const hn::Rebind<float, decltype(d)> of_floats;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d)), kSums = RowScores::kSums;
  const std::int64_t whole = n / kSums * kSums;
  for (std::int64_t lane = 0; lane < kSums; lane += lanes) {
    auto sum = hn::LoadU(d, sums + lane);
    for (std::int64_t i = lane; i < whole; i += kSums) {
      const auto x = hn::PromoteTo(d, hn::LoadU(of_floats, scores + i));
      sum = hn::MulAdd(x, x, sum);
    }
    hn::StoreU(sum, d, sums + lane);
  }
  for (std::int64_t i = whole; i < n; ++i) {
    const double x = scores[i];
    sums[i - whole] += x * x;
  }
}

HWY_INLINE std::int64_t count_above(const float* scores, std::int64_t n, float threshold) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const FloatVec least = hn::Set(d, threshold);
  std::size_t n_above = 0;
  std::int64_t c = 0;
  for (; c + lanes <= n; c += lanes) {
    n_above += hn::CountTrue(d, hn::Gt(hn::LoadU(d, scores + c), least));
  }
  for (; c < n; ++c) n_above += scores[c] > threshold ? 1 : 0;
  return static_cast<std::int64_t>(n_above);
}

// What is wanted of the scores of columns [j, j + n) of a row, sums apart.
HWY_INLINE void use_scores(const ScoreRows& op, const float* scores, std::int64_t j, std::int64_t n,
                           RowScores& row) {
  const std::int64_t end = j + n;
  if (op.top.columns && row.excluded_column >= end) {
    take_candidates(scores, j, j, end, row.candidates);
  } else if (op.top.columns) {
    row.excluded.next =
        take_candidates_but(row.excluded.next, row.excluded.end, scores, j, end, row.candidates);
    row.excluded_column = row.excluded.column();
  }
  for (std::size_t i = 0; i < kMostPicks; ++i) {
    while (row.picked_columns[i] < end) {
      RowScores::Cells& cells = row.picks[i];
      *cells.value++ = scores[*cells.next++ - j];
      row.picked_columns[i] = cells.column();
    }
  }
}

void score_rows_chunk(const ScoreRows& op, const LiveUnits& live, const float* hidden,
                      std::int64_t chunk, RowScores* rows, float* scratch) {
  const OutputForward& product = op.product;
  const ScoreChunks chunks(product.n_columns);
  const std::int64_t begin = chunks.begin(chunk), end = chunks.end(chunk);
  for (std::int64_t r = 0; r < product.n_rows; ++r) begin_row(op, r, begin, rows[r]);
  const std::int64_t n_live = live.count(), stride = live.packed_stride();
  // Of rows that are alike, one product and one sum stand for all.
  const bool alike = product.hidden.stride == 0;
  const std::int64_t n_unlike = alike ? 1 : kScoreRows, tile_stride = alike ? 0 : kOutputBlock;
  float* transposed = scratch + kOutputBlock * stride;
  float* tile = transposed + n_live * kOutputBlock;
  for (std::int64_t j = begin; j < end; j += kOutputBlock) {
    const std::int64_t n = std::min(kOutputBlock, end - j);
    // Behind a ragged block lies what was there: whole vectors may be of anything.
    pack_rows(live, product.weight, j, j + n, scratch, stride);
    transpose(n, n_live, scratch, stride, transposed, kOutputBlock);
    for (std::int64_t first = 0; first < product.n_rows; first += kScoreRows) {
      const std::int64_t n_rows = std::min(kScoreRows, product.n_rows - first);
      if (first == 0 || !alike) {
        matmul<false>(std::min(n_rows, n_unlike), n, n_live,
                      Operand{hidden + first * stride, stride, 1}, transposed, kOutputBlock, tile,
                      kOutputBlock);
      }
      for (std::int64_t i = 0; i < n_rows; ++i) {
        const float* scores = tile + i * tile_stride;
        RowScores& row = rows[first + i];
        if (op.sums.squares && !(alike && first + i > 0)) {
          add_squares(scores, n, row.squares.data());
          row.n_above += count_above(scores, n, op.sums.threshold);
        }
        use_scores(op, scores, j, n, row);
      }
    }
  }
  for (std::int64_t r = 1; alike && r < product.n_rows; ++r) {
    rows[r].squares = rows[0].squares;
    rows[r].n_above = rows[0].n_above;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(score_rows_chunk);

void score_rows_chunk(const ScoreRows& op, const LiveUnits& live, const float* hidden,
                      std::int64_t chunk, RowScores* rows, float* scratch) {
  HWY_DYNAMIC_DISPATCH(score_rows_chunk)(op, live, hidden, chunk, rows, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
