#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hourglass {

/// The score of a column of a row, or of a row of a column.
struct Scored {
  float score = 0;
  std::int32_t index = 0;

  bool operator==(const Scored&) const = default;
};

/// The k best of a list of scores: the greatest, of equal ones those with the lower index. Any k:
/// the memory is 2 k entries or the list's, whichever is less. Scores of minus infinity are no
/// candidates.
class TopK {
 public:
  /// Scores must be above `threshold`.
  explicit TopK(std::int64_t k, float threshold = -std::numeric_limits<float>::infinity())
      : k_(k), least_(threshold) {}

  /// The best of scores [n], best first; valid until the next call.
  std::span<const Scored> of(std::span<const float> scores);

 private:
  void keep_best();

  std::int64_t k_;
  float least_;
  float threshold_ = 0;  ///< no score that is not above it can be among the best
  std::vector<Scored> best_;
};

}  // namespace hourglass
