#include "hourglass/evaluate/hidden_sample.h"

#include <algorithm>
#include <utility>

#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"
#include "hourglass/data/select_rows.h"

namespace hourglass {

HiddenSample draw_sample(const SplitRatings& ratings, std::int64_t n, std::uint64_t seed) {
  std::vector<std::pair<std::uint32_t, std::int32_t>> keys;
  for (std::int64_t row = 0; row < ratings.given.n_rows; ++row) {
    if (ratings.given.row_length(row) + ratings.hidden.row_length(row) == 0) continue;
    const auto word =
        philox(seed, RandomPurpose::kSample, 0, static_cast<std::uint32_t>(row), 0)[0];
    keys.emplace_back(word, static_cast<std::int32_t>(row));
  }
  std::sort(keys.begin(), keys.end());
  keys.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(n, 0, std::ssize(keys))));
  if (keys.empty()) throw Error("the sample is empty: no row of it has a rating; take more rows");
  HiddenSample sample;
  for (const auto& [word, row] : keys) sample.rows.push_back(row);
  std::sort(sample.rows.begin(), sample.rows.end());
  sample.given = select_rows(ratings.given, sample.rows);
  sample.hidden = select_rows(ratings.hidden, sample.rows);
  if (sample.hidden.n_entries() == 0) {
    throw Error(
        "no rating of the sample is hidden, so there is nothing to predict; take more "
        "rows, or hide more");
  }
  if (sample.given.n_entries() == 0) {
    throw Error(
        "every rating of the sample is hidden, so there is nothing to predict from; hide "
        "fewer");
  }
  return sample;
}

}  // namespace hourglass
