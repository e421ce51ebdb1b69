#include "hourglass/data/histogram.h"

#include <algorithm>
#include <array>
#include <bit>

namespace hourglass {
namespace {

constexpr std::size_t kMostValues = 32;
constexpr int kIntervals = 20;

// None where there are more than kMostValues different ones.
std::vector<HistogramBar> count_values(std::span<const float> values) {
  std::vector<HistogramBar> bars;
  // The bar of the value that last had this code: a walk along the bars, in the order in which
  // ratings happen to come, mispredicts a branch at nearly each of them.
  std::array<std::uint8_t, 256> guesses = {};
  for (const float value : values) {
    std::uint8_t& guess = guesses[std::bit_cast<std::uint32_t>(value) * 0x9E3779B1u >> 24];
    if (guess >= bars.size() || bars[guess].from != value) {
      const auto bar = std::find_if(bars.begin(), bars.end(),
                                    [&](const HistogramBar& b) { return b.from == value; });
      guess = static_cast<std::uint8_t>(bar - bars.begin());
      if (bar == bars.end()) {
        if (bars.size() == kMostValues) return {};
        bars.push_back({value, value, 0});
      }
    }
    ++bars[guess].count;
  }
  std::sort(bars.begin(), bars.end(),
            [](const HistogramBar& x, const HistogramBar& y) { return x.from < y.from; });
  return bars;
}

std::vector<HistogramBar> count_intervals(std::span<const float> values) {
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const double low = *lowest;
  const double width = (static_cast<double>(*highest) - low) / kIntervals;
  std::vector<HistogramBar> bars;
  for (int i = 0; i < kIntervals; ++i) {
    bars.push_back(
        {static_cast<float>(low + i * width), static_cast<float>(low + (i + 1) * width), 0});
  }
  for (const float value : values) {
    const int bar = std::min(static_cast<int>((value - low) / width), kIntervals - 1);
    ++bars[static_cast<std::size_t>(bar)].count;
  }
  return bars;
}

}  // namespace

std::vector<HistogramBar> histogram(std::span<const float> values) {
  std::vector<HistogramBar> bars = count_values(values);
  return bars.empty() && !values.empty() ? count_intervals(values) : bars;
}

}  // namespace hourglass
