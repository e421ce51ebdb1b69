#pragma once

#include <cstdint>
#include <string>

#include "hourglass/data/hide_ratings.h"
#include "hourglass/data/hold_out.h"
#include "hourglass/data/ratings.h"
#include "hourglass/data/read_ratings.h"

namespace hourglass::cli {

/// Which ratings are never trained on: at most one of the two.
struct HoldoutOptions {
  double probability = 0;  ///< of each rating
  std::string split;       ///< a file of them

  bool any() const { return probability > 0 || !split.empty(); }
};

/// Splits `ratings`; without a holdout all are given. Throws Error where nothing is held out, or
/// nothing left.
HeldOut hold_out(const Ratings& ratings, const HoldoutOptions& options, const ReadOptions& read,
                 std::uint64_t seed);

/// The ratings of `file`, taken out of `ratings`. Throws Error, naming the file, where none has a
/// row and a column of `ratings`.
HeldOut hold_out_file(const Ratings& ratings, const std::string& file, const ReadOptions& read);

/// For a --split that a file of the run or the model names: reading anything else, such as a pipe,
/// might wait for ever. Throws Error.
void require_regular_file(const std::string& split);

/// What identifies the held-out ratings, like digest() the ratings.
std::string holdout_digest(const Ratings& ratings, const CsrMatrix& hidden);

}  // namespace hourglass::cli
