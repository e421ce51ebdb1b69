#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_ranking.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/squares-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

// The best so far of a row, and those that may yet be among them.
class Candidates {
 public:
  // keys: [room], room > k. A wider room is put in order less often, but its cutoff rises later.
  Candidates(const float* scores, std::int64_t k, std::uint64_t* keys, std::int64_t room,
             float threshold)
      : scores_(scores), k_(k), keys_(keys), room_(room), cutoff_(threshold) {}

  // Takes up columns [begin, end), all greater than those before. Most vectors have no candidate.
  HWY_INLINE void take(std::int64_t begin, std::int64_t end) {
    const FloatTag d;
    const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t c = begin;
    for (; c + lanes <= end; c += lanes) {
      if (hn::AllFalse(d, hn::Gt(hn::LoadU(d, scores_ + c), hn::Set(d, cutoff_)))) continue;
      for (std::int64_t i = c; i < c + lanes; ++i) offer(i);
    }
    for (; c < end; ++c) offer(c);
  }

  // Best first; how many there are.
  std::int64_t finish() {
    if (n_ > k_) keep_best();
    std::sort(keys_, keys_ + n_, std::greater<>());
    return n_;
  }

 private:
  HWY_INLINE void offer(std::int64_t c) {
    if (!(scores_[c] > cutoff_)) return;
    keys_[n_++] = ranking_key(scores_[c], static_cast<std::int32_t>(c));
    if (n_ == room_) keep_best();
  }
  void keep_best() {
    std::nth_element(keys_, keys_ + (k_ - 1), keys_ + n_, std::greater<>());
    n_ = k_;
    // Columns ascend: a later score that equals the kth best comes after it.
    cutoff_ = scores_[column_of_key(keys_[k_ - 1])];
  }

  const float* scores_;
  std::int64_t k_;
  std::uint64_t* keys_;
  std::int64_t room_, n_ = 0;
  float cutoff_;
};

void select_top_row(const SelectTop& op, std::int64_t row) {
  std::int64_t n = 0;
  std::uint64_t* keys = op.scratch.raw() + row * select_top_keys(op.k);
  const float* scores = op.scores.row(row);
  if (op.k > 0) {
    constexpr std::int64_t kLeastRoom = 128;
    Candidates candidates(scores, op.k, keys, std::max(2 * op.k, kLeastRoom), op.threshold);
    std::int64_t begin = 0;
    if (op.excluded.row_offsets) {
      const std::int64_t* offsets = op.excluded.row_offsets.raw() + op.first_row + row;
      for (auto e = offsets[0]; e < offsets[1]; ++e) {
        candidates.take(begin, op.excluded.columns[e]);
        begin = op.excluded.columns[e] + 1;
      }
    }
    candidates.take(begin, op.n_columns);
    n = candidates.finish();
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
