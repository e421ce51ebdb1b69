#include <algorithm>
#include <limits>
#include <vector>

#include "core/flush_denormals.h"
#include "reference/backend.h"

namespace hourglass::reference {

void ReferenceBackend::run(const SelectTop& op) {
  const FlushDenormals flush;
  for (std::int64_t r = 0; r < op.n_rows; ++r) {
    const float* scores = op.scores.row(r);
    std::vector<std::int32_t> candidates;
    for (std::int32_t c = 0; c < op.n_columns; ++c) {
      if (scores[c] > op.threshold) candidates.push_back(c);
    }
    if (op.excluded.row_offsets) {
      const CsrPtr& excluded = op.excluded;
      const std::int32_t* begin = excluded.columns.raw() + excluded.row_offsets[op.first_row + r];
      const std::int32_t* end = excluded.columns.raw() + excluded.row_offsets[op.first_row + r + 1];
      std::erase_if(candidates, [&](std::int32_t c) { return std::binary_search(begin, end, c); });
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](std::int32_t a, std::int32_t b) { return scores[a] > scores[b]; });
    const std::int64_t n = std::min(op.k, std::ssize(candidates));
    for (std::int64_t i = 0; i < op.k; ++i) {
      const std::int32_t c = i < n ? candidates[static_cast<std::size_t>(i)] : -1;
      op.columns[r * op.k + i] = c;
      op.values[r * op.k + i] = i < n ? scores[c] : -std::numeric_limits<float>::infinity();
    }
    op.counts[r] = static_cast<std::int32_t>(n);
  }
}

void ReferenceBackend::run(const ScoreSums& op) {
  const FlushDenormals flush;
  for (std::int64_t r = 0; r < op.n_rows; ++r) {
    double squares = 0;
    std::int64_t n_above = 0;
    for (std::int64_t c = 0; c < op.n_columns; ++c) {
      const double score = op.scores.row(r)[c];
      squares += score * score;
      n_above += op.scores.row(r)[c] > op.threshold;
    }
    op.squares[r] = squares;
    op.n_above[r] = n_above;
  }
}

void ReferenceBackend::run(const PickCells& op) {
  const std::int64_t first = op.cells.row_offsets[op.first_row];
  for (std::int64_t r = 0; r < op.n_rows; ++r) {
    const std::int64_t row = op.first_row + r;
    for (auto e = op.cells.row_offsets[row]; e < op.cells.row_offsets[row + 1]; ++e) {
      op.values[e - first] = op.scores.row(r)[op.cells.columns[e]];
    }
  }
}

}  // namespace hourglass::reference
