#pragma once

#include <cstdint>

#include "hourglass/data/hide_ratings.h"
#include "hourglass/data/ratings.h"

namespace hourglass {

struct HeldOut {
  SplitRatings split;
  std::int64_t n_unknown = 0;  ///< of the held-out ratings: their row or column is not in `ratings`
  std::int64_t n_removed = 0;  ///< of the ratings: those that were held out
};

/// Hides what another file holds out, its rows and columns known by id: `ratings` without the
/// (row, column) pairs of `held_out` are given, the values of `held_out` hidden. A pair need not be
/// in `ratings`; of a row or column that is not, it is left out and counted. Throws Error where the
/// two have no column in common.
HeldOut hold_out(const Ratings& ratings, const Ratings& held_out);

}  // namespace hourglass
