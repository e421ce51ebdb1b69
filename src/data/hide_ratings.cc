#include "hourglass/data/hide_ratings.h"

namespace hourglass {

SplitRatings hide_ratings(const CsrMatrix& ratings, double probability, std::uint64_t seed,
                          RandomPurpose purpose) {
  SplitRatings split;
  for (CsrMatrix* part : {&split.given, &split.hidden}) {
    part->n_rows = ratings.n_rows;
    part->n_columns = ratings.n_columns;
    part->row_offsets.reserve(static_cast<std::size_t>(ratings.n_rows) + 1);
  }
  for (std::size_t row = 0; row < static_cast<std::size_t>(ratings.n_rows); ++row) {
    for (auto e = static_cast<std::size_t>(ratings.row_offsets[row]);
         e < static_cast<std::size_t>(ratings.row_offsets[row + 1]); ++e) {
      const std::int32_t column = ratings.columns[e];
      const auto words = philox(seed, purpose, 0, static_cast<std::uint32_t>(row),
                                static_cast<std::uint32_t>(column));
      CsrMatrix& part =
          static_cast<double>(uniform(words[0])) < probability ? split.hidden : split.given;
      part.columns.push_back(column);
      part.values.push_back(ratings.values[e]);
    }
    for (CsrMatrix* part : {&split.given, &split.hidden}) {
      part->row_offsets.push_back(static_cast<std::int64_t>(part->columns.size()));
    }
  }
  return split;
}

}  // namespace hourglass
