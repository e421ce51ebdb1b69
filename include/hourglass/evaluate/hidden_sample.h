#pragma once

#include <cstdint>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/data/hide_ratings.h"

namespace hourglass {

/// Rows whose hidden ratings are to be predicted from the given ones.
struct HiddenSample {
  std::vector<std::int32_t> rows;  ///< of the matrix, ascending
  CsrMatrix given, hidden;         ///< [rows.size() x n_columns]
  /// Ratings that are neither: kept from the model, and not asked for either. In a ranking they are
  /// candidates like any cell that is not given; as rows they count whole. Without rows: none.
  CsrMatrix others = {};
};

/// `n` of the rows that have a rating, given or hidden, drawn without replacement: those with the
/// least Philox(seed, kSample, 0, row). Fewer where there are not so many. Throws Error where a
/// sample is empty, hides nothing or gives nothing.
HiddenSample draw_sample(const SplitRatings& ratings, std::int64_t n, std::uint64_t seed);

}  // namespace hourglass
