#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "hourglass/ops/backend.h"

namespace hourglass {

/// The score of a column of a row, or of a row of a column.
struct Scored {
  float score = 0;
  std::int32_t index = 0;

  bool operator==(const Scored&) const = default;
};

/// The k best of lines of scores: the greatest, of equal ones those with the lower index. Scores of
/// minus infinity are no candidates. Selected where the scores are: only the best come to the host.
class TopK {
 public:
  /// Of no more than max_lines lines at a time. Scores must be above `threshold`. The backend must
  /// outlive it.
  TopK(Backend& backend, std::int64_t max_lines, std::int64_t k,
       float threshold = -std::numeric_limits<float>::infinity());

  /// Of each line of scores [n_lines x length]; what row first + i of `excluded` holds is no
  /// candidate of line i. Without row_offsets nothing is excluded.
  void select(Matrix<const float> scores, std::int64_t n_lines, std::int64_t length,
              const CsrPtr& excluded, std::int64_t first);

  /// The same of rows that ScoreRows scores: what it should be asked for, and what it has found.
  void ask(ScoreRows& op, const CsrPtr& excluded, std::int64_t first);
  void take(std::int64_t n_lines);

  /// Of a line of the last select() or take(): best first, at most k.
  std::span<const Scored> line(std::int64_t line) const;

 private:
  SelectTop operation(const CsrPtr& excluded, std::int64_t first);

  Backend* backend_;
  std::int64_t k_;
  float threshold_;
  Buffer<std::int32_t> columns_, counts_;
  Buffer<float> values_;
  Buffer<std::uint64_t> scratch_;
  std::vector<Scored> best_;                  ///< [lines x k]
  std::vector<std::int32_t> counts_of_line_;  ///< [lines]
};

}  // namespace hourglass
