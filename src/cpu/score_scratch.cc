#include "cpu/score_scratch.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace hourglass::cpu {

void ScoreScratch::begin(const ScoreRows& op, std::int64_t n_chunks, std::int64_t k,
                         int n_threads) {
  const auto grow = [](auto& values, std::int64_t size) {
    if (size > std::ssize(values)) values.resize(static_cast<std::size_t>(size));
  };
  n_rows_ = op.product.n_rows;
  n_chunks_ = n_chunks;
  k_ = k;
  n_threads_ = n_threads;
  last_chunks_.assign(static_cast<std::size_t>(n_threads), kNone);
  grow(rows_, n_threads * n_rows_);
  grow(keys_, n_threads * n_rows_ * candidates_room(k));
  grow(sums_, n_chunks * n_rows_);
  grow(n_found_, n_chunks * n_rows_);
  grow(found_, n_chunks * n_rows_ * k);
  // Those of a row are different columns, however many chunks they come from.
  best_of_row_ = std::min(n_chunks * k, op.product.n_columns);
  grow(best_, std::min<std::int64_t>(n_threads, n_rows_) * best_of_row_);
  std::fill_n(n_found_.begin(), n_chunks * n_rows_, 0);
}

RowScores* ScoreScratch::begin_chunk(const ScoreRows& op, std::int64_t chunk, int thread) {
  std::int64_t& last = last_chunks_[static_cast<std::size_t>(thread)];
  // Of no best, none is a candidate: no score is above infinity.
  const float least = k_ > 0 ? op.top.threshold : std::numeric_limits<float>::infinity();
  for (std::int64_t row = 0; row < n_rows_ && (last == kNone || chunk < last); ++row) {
    put_by(thread, row);
    rows(thread)[row].candidates = {k_, keys(thread, row), least};
  }
  last = chunk;
  return rows(thread);
}

void ScoreScratch::end_chunk(std::int64_t chunk, int thread) {
  for (std::int64_t r = 0; r < n_rows_; ++r) {
    const RowScores& row = rows(thread)[r];
    sums_[at(chunk, r)] = {std::accumulate(row.squares.begin(), row.squares.end(), 0.0),
                           row.n_above};
  }
}

void ScoreScratch::put_by(int thread, std::int64_t row) {
  const std::int64_t last = last_chunks_[static_cast<std::size_t>(thread)];
  if (last == kNone || k_ == 0) return;
  std::int64_t& n = n_found_[at(last, row)];
  n = rows(thread)[row].candidates.best();
  std::copy_n(keys(thread, row), n, found_.begin() + at(last, row) * k_);
}

void ScoreScratch::finish_row(const ScoreRows& op, std::int64_t row, int thread) {
  for (int t = 0; t < n_threads_; ++t) put_by(t, row);
  Sums sums = {0, 0};
  std::int64_t n = 0;
  std::uint64_t* best = best_.data() + (n_rows_ < n_threads_ ? row : thread) * best_of_row_;
  for (std::int64_t chunk = 0; chunk < n_chunks_; ++chunk) {
    sums.squares += sums_[at(chunk, row)].squares;
    sums.n_above += sums_[at(chunk, row)].n_above;
    std::copy_n(found_.begin() + at(chunk, row) * k_, n_found_[at(chunk, row)], best + n);
    n += n_found_[at(chunk, row)];
  }
  if (op.sums.squares) {
    op.sums.squares[row] = sums.squares;
    op.sums.n_above[row] = sums.n_above;
  }
  if (!op.top.columns) return;
  const std::int64_t k = op.top.k, n_kept = std::min(k, n);
  std::partial_sort(best, best + n_kept, best + n, std::greater<>());
  for (std::int64_t i = 0; i < k; ++i) {
    op.top.columns[row * k + i] = i < n_kept ? column_of_key(best[i]) : -1;
    op.top.values[row * k + i] =
        i < n_kept ? score_of_key(best[i]) : -std::numeric_limits<float>::infinity();
  }
  op.top.counts[row] = static_cast<std::int32_t>(n_kept);
}

}  // namespace hourglass::cpu
