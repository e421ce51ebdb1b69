#pragma once

#include <cstdint>
#include <vector>

#include "cpu/kernels.h"
#include "hourglass/ops/ranking.h"

namespace hourglass::cpu {

/// What threads find of each row in chunks of columns (ScoreRows), until it is put together: sums
/// in the chunks' order; the best, whose order is total, from wherever they are.
class ScoreScratch {
 public:
  /// For the k best of each row. Grows at an operation's first run, then stays.
  void begin(const ScoreRows& op, std::int64_t n_chunks, std::int64_t k, int n_threads);

  /// The rows for a thread's next chunk. Its candidates go on from the last one where that has
  /// lower columns: what did not reach the best there does not now.
  RowScores* begin_chunk(const ScoreRows& op, std::int64_t chunk, int thread);
  void end_chunk(std::int64_t chunk, int thread);

  /// A row's results into op's outputs, when all chunks are done.
  void finish_row(const ScoreRows& op, std::int64_t row, int thread);

 private:
  struct Sums {
    double squares;
    std::int64_t n_above;
  };
  static constexpr std::int64_t kNone = -1;

  std::int64_t at(std::int64_t chunk, std::int64_t row) const { return chunk * n_rows_ + row; }
  RowScores* rows(int thread) { return rows_.data() + thread * n_rows_; }
  std::uint64_t* keys(int thread, std::int64_t row) {
    return keys_.data() + (thread * n_rows_ + row) * candidates_room(k_);
  }
  /// The row's candidates of that thread to those found; they are none afterwards.
  void put_by(int thread, std::int64_t row);

  std::int64_t n_rows_ = 0, n_chunks_ = 0, k_ = 0, best_of_row_ = 0;
  int n_threads_ = 0;
  std::vector<std::int64_t> last_chunks_;  ///< [threads] or kNone
  std::vector<RowScores> rows_;            ///< [threads x n_rows]
  std::vector<std::uint64_t> keys_;        ///< [threads x n_rows x candidates_room(k_)]
  std::vector<Sums> sums_;                 ///< [chunks x n_rows]
  std::vector<std::int64_t> n_found_;      ///< [chunks x n_rows] by the last chunk of a run
  std::vector<std::uint64_t> found_;       ///< [chunks x n_rows x k]
  std::vector<std::uint64_t> best_;        ///< [threads, or rows if fewer, x best_of_row_]
};

}  // namespace hourglass::cpu
