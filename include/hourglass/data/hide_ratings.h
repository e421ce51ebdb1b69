#pragma once

#include <cstdint>

#include "hourglass/core/csr.h"
#include "hourglass/core/philox.h"

namespace hourglass {

/// Ratings in two parts of the same rows and columns; each rating is in one of them.
struct SplitRatings {
  CsrMatrix given, hidden;
};

/// Hides each rating with this probability: that of (row, column) where uniform(Philox(seed, purpose,
/// row, column)) < probability. So it depends on the rating's place alone: the same on every engine,
/// whatever other ratings there are.
SplitRatings hide_ratings(const CsrMatrix& ratings, double probability, std::uint64_t seed,
                          RandomPurpose purpose);

}  // namespace hourglass
