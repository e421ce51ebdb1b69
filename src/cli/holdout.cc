#include "cli/holdout.h"

#include <fmt/format.h>

#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"
#include "hourglass/data/hold_out.h"

namespace hourglass::cli {

SplitRatings hold_out(const Ratings& ratings, const HoldoutOptions& options,
                      const ReadOptions& read, std::uint64_t seed) {
  if (options.split.empty()) {
    SplitRatings split =
        hide_ratings(ratings.matrix, options.probability, seed, RandomPurpose::kHoldout);
    if (options.probability > 0 && split.hidden.n_entries() == 0) {
      throw Error(fmt::format("--holdout {} holds no rating out; raise it", options.probability));
    }
    if (split.given.n_entries() == 0 && ratings.matrix.n_entries() > 0) {
      throw Error(fmt::format("--holdout {} holds every rating out; lower it",
                              options.probability));
    }
    return split;
  }
  HeldOut held = hourglass::hold_out(ratings, read_ratings(options.split, read));
  if (held.n_unknown > 0) {
    fmt::print(stderr, "{}: {} ratings are of unknown rows or columns and left out\n",
               options.split, held.n_unknown);
  }
  return std::move(held.split);
}

std::string holdout_digest(const Ratings& ratings, const CsrMatrix& hidden) {
  Ratings held_out;
  held_out.matrix = hidden;
  held_out.row_ids = ratings.row_ids;
  held_out.column_ids = ratings.column_ids;
  return digest(held_out);
}

}  // namespace hourglass::cli
