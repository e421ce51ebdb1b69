#include "cli/holdout.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"

namespace hourglass::cli {

HeldOut hold_out_file(const Ratings& ratings, const std::string& file, const ReadOptions& read) {
  const Ratings held_out = read_ratings(file, read);
  const auto fail = [&](const std::string& why) {
    throw Error(fmt::format("{}: cannot hold its ratings out: {}", file, why));
  };
  HeldOut held;
  try {
    held = hourglass::hold_out(ratings, held_out);
  } catch (const Error& error) {
    fail(error.what());
  }
  if (held.split.hidden.n_entries() == 0) {
    fail("none has a row and a column of the ratings; give a file of the same ids");
  }
  return held;
}

HeldOut hold_out(const Ratings& ratings, const HoldoutOptions& options, const ReadOptions& read,
                 std::uint64_t seed) {
  HeldOut held;
  if (options.split.empty()) {
    held.split = hide_ratings(ratings.matrix, options.probability, seed, RandomPurpose::kHoldout);
    held.n_removed = held.split.hidden.n_entries();
    if (options.probability > 0 && held.n_removed == 0) {
      throw Error(fmt::format("--holdout {} holds no rating out; raise it", options.probability));
    }
  } else {
    held = hold_out_file(ratings, options.split, read);
  }
  if (held.split.given.n_entries() == 0 && ratings.matrix.n_entries() > 0) {
    throw Error("every rating is held out, so nothing is left to train on; hold fewer out");
  }
  return held;
}

void require_regular_file(const std::string& split) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(split, error)) {
    throw Error(
        fmt::format("{}: the training's held-out ratings are no regular file there; put them "
                    "back",
                    split));
  }
}

std::string holdout_digest(const Ratings& ratings, const CsrMatrix& hidden) {
  Ratings held_out;
  held_out.matrix = hidden;
  held_out.row_ids = ratings.row_ids;
  held_out.column_ids = ratings.column_ids;
  return digest(held_out);
}

}  // namespace hourglass::cli
