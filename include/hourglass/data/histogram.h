#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hourglass {

/// How many values are `from` (= `to`), or lie in [from, to); the last interval is closed.
struct HistogramBar {
  float from = 0, to = 0;
  std::int64_t count = 0;

  bool operator==(const HistogramBar&) const = default;
};

/// A bar a value where there are few different ones (32 at most), else 20 intervals of one width
/// from the least value to the greatest. No values: no bars. Values must be finite.
std::vector<HistogramBar> histogram(std::span<const float> values);

}  // namespace hourglass
