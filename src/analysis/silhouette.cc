#include "hourglass/analysis/silhouette.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "analysis/distance.h"
#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"

namespace hourglass {
namespace {

/// The rows of the sample, ascending: those whose random words are least.
std::vector<std::int64_t> draw_rows(std::int64_t n_rows, std::int64_t n_sample,
                                    std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> drawn;
  for (std::int64_t row = 0; row < n_rows; ++row) {
    const auto words =
        philox(seed, RandomPurpose::kSilhouetteSample, 0, static_cast<std::uint32_t>(row), 0);
    drawn.emplace_back(std::uint64_t{words[0]} << 32 | words[1], row);
  }
  const std::int64_t n = std::min(n_rows, n_sample);
  std::nth_element(drawn.begin(), drawn.begin() + n, drawn.end());
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < n; ++i) rows.push_back(drawn[static_cast<std::size_t>(i)].second);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

Silhouette silhouette(DenseView<double> points, std::span<const std::int32_t> labels,
                      std::int64_t n_sample, std::uint64_t seed) {
  if (n_sample < 1) throw Error("the silhouette of no rows; sample 1 at least");
  const std::int32_t greatest =
      labels.empty() ? -1 : *std::max_element(labels.begin(), labels.end());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(greatest + 1));
  for (const std::int32_t label : labels) ++sizes[static_cast<std::size_t>(label)];
  if (sizes.size() - static_cast<std::size_t>(std::count(sizes.begin(), sizes.end(), 0)) < 2) {
    throw Error("the silhouette of fewer than two clusters is not defined; ask for 2 at least");
  }
  Silhouette result;
  std::vector<double> sums(sizes.size());
  for (const std::int64_t row : draw_rows(points.n_rows, n_sample, seed)) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t other = 0; other < points.n_rows; ++other) {
      sums[static_cast<std::size_t>(labels[static_cast<std::size_t>(other)])] +=
          std::sqrt(analysis::squared_distance(points.row(row), points.row(other)));
    }
    const auto own = static_cast<std::size_t>(labels[static_cast<std::size_t>(row)]);
    ++result.n_sampled;
    if (sizes[own] == 1) continue;
    const double a = sums[own] / static_cast<double>(sizes[own] - 1);
    double b = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      if (c != own && sizes[c] > 0) b = std::min(b, sums[c] / static_cast<double>(sizes[c]));
    }
    if (std::max(a, b) > 0) result.mean += (b - a) / std::max(a, b);
  }
  result.mean /= static_cast<double>(result.n_sampled);
  return result;
}

}  // namespace hourglass
