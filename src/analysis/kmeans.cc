#include "hourglass/analysis/kmeans.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "analysis/distance.h"
#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"

namespace hourglass {
namespace {

using analysis::squared_distance;
using Points = DenseView<double>;

/// Centres, and each row's cluster and squared distance to its centre.
struct State {
  Points points;
  std::vector<double> centres;       // [n_clusters, n_columns]
  std::vector<std::int32_t> labels;  // [n_rows]
  std::vector<double> distances;     // [n_rows], squared
  std::vector<std::int64_t> sizes;   // [n_clusters]

  Points centre_view() const {
    return {centres, static_cast<std::int64_t>(sizes.size()), points.n_columns};
  }
};

State start_at(Points points, std::vector<double> centres, std::int64_t n_clusters) {
  State state{points, std::move(centres), {}, {}, {}};
  state.labels.resize(static_cast<std::size_t>(points.n_rows));
  state.distances.resize(static_cast<std::size_t>(points.n_rows));
  state.sizes.resize(static_cast<std::size_t>(n_clusters));
  return state;
}

void assign(State& state) {
  const Points centres = state.centre_view();
  std::fill(state.sizes.begin(), state.sizes.end(), 0);
  for (std::int64_t r = 0; r < state.points.n_rows; ++r) {
    std::int32_t nearest = 0;
    double least = squared_distance(state.points.row(r), centres.row(0));
    for (std::int32_t c = 1; c < centres.n_rows; ++c) {
      const double distance = squared_distance(state.points.row(r), centres.row(c));
      if (distance < least) {
        least = distance;
        nearest = c;
      }
    }
    state.labels[static_cast<std::size_t>(r)] = nearest;
    state.distances[static_cast<std::size_t>(r)] = least;
    ++state.sizes[static_cast<std::size_t>(nearest)];
  }
}

bool has_empty(const State& state) {
  return std::find(state.sizes.begin(), state.sizes.end(), 0) != state.sizes.end();
}

/// Gives each empty cluster the row that is furthest from its centre, as scikit-learn does: that
/// can only lessen the inertia.
void fill_empty(State& state) {
  for (std::size_t c = 0; c < state.sizes.size(); ++c) {
    if (state.sizes[c] > 0) continue;
    const auto furthest = static_cast<std::size_t>(
        std::max_element(state.distances.begin(), state.distances.end()) - state.distances.begin());
    if (state.distances[furthest] == 0) return;  // fewer distinct rows than clusters
    --state.sizes[static_cast<std::size_t>(state.labels[furthest])];
    state.labels[furthest] = static_cast<std::int32_t>(c);
    state.distances[furthest] = 0;
    state.sizes[c] = 1;
  }
}

/// Moves each centre to the mean of its rows; the sum of the squared ways. The centre of a cluster
/// without rows stays.
double move_centres(State& state) {
  const auto n_columns = static_cast<std::size_t>(state.points.n_columns);
  std::vector<double> means(state.centres.size());
  for (std::int64_t r = 0; r < state.points.n_rows; ++r) {
    const auto label = static_cast<std::size_t>(state.labels[static_cast<std::size_t>(r)]);
    const auto row = state.points.row(r);
    for (std::size_t i = 0; i < n_columns; ++i) means[label * n_columns + i] += row[i];
  }
  for (std::size_t c = 0; c < state.sizes.size(); ++c) {
    for (std::size_t i = c * n_columns; i < (c + 1) * n_columns; ++i) {
      means[i] =
          state.sizes[c] > 0 ? means[i] / static_cast<double>(state.sizes[c]) : state.centres[i];
    }
  }
  const double way = squared_distance(means, state.centres);
  state.centres = std::move(means);
  return way;
}

double mean_variance(Points points) {
  double sum = 0;
  const auto n = static_cast<double>(points.n_rows);
  for (std::int64_t c = 0; c < points.n_columns; ++c) {
    double mean = 0, squares = 0;
    for (std::int64_t r = 0; r < points.n_rows; ++r)
      mean += points.row(r)[static_cast<std::size_t>(c)] / n;
    for (std::int64_t r = 0; r < points.n_rows; ++r) {
      const double deviation = points.row(r)[static_cast<std::size_t>(c)] - mean;
      squares += deviation * deviation / n;
    }
    sum += squares;
  }
  return points.n_columns > 0 ? sum / static_cast<double>(points.n_columns) : 0;
}

/// Lloyd's algorithm (1957).
Kmeans lloyd(State state, const KmeansOptions& options) {
  const double tolerance = options.tolerance * mean_variance(state.points);
  Kmeans result;
  assign(state);
  while (result.n_iterations < options.max_iterations) {
    fill_empty(state);
    const double way = move_centres(state);
    ++result.n_iterations;
    const std::vector<std::int32_t> before = state.labels;
    assign(state);
    if (!has_empty(state) && (state.labels == before || way <= tolerance)) break;
  }
  result.inertia = std::accumulate(state.distances.begin(), state.distances.end(), 0.0);
  result.labels = std::move(state.labels);
  result.centres = std::move(state.centres);
  result.sizes = std::move(state.sizes);
  return result;
}

/// Rows drawn as k-means++ has it: with a probability proportional to `weights`.
class Draws {
 public:
  Draws(std::uint64_t seed, int start) : seed_(seed), start_(static_cast<std::uint32_t>(start)) {}

  /// A row of weight > 0; `total` is the sum of `weights`, in order.
  std::int64_t draw(const std::vector<double>& weights, double total, int centre, int trial) const {
    const auto words =
        philox(seed_, RandomPurpose::kKmeans, start_, static_cast<std::uint32_t>(centre),
               static_cast<std::uint32_t>(trial));
    const double at = (words[0] * 0x1p-32 + words[1] * 0x1p-64) * total;
    double sum = 0;
    std::size_t last = 0;
    for (std::size_t r = 0; r < weights.size(); ++r) {
      if (weights[r] == 0) continue;
      last = r;
      sum += weights[r];
      if (sum > at) break;
    }
    return static_cast<std::int64_t>(last);
  }

 private:
  std::uint64_t seed_;
  std::uint32_t start_;
};

/// The centres [n_clusters, n_columns] that a start begins with.
std::vector<double> plus_plus(Points points, const KmeansOptions& options, int start) {
  const Draws draws(options.seed, start);
  const int n_trials = 2 + static_cast<int>(std::log(options.n_clusters));
  std::vector<double> centres;
  std::vector<double> weights(static_cast<std::size_t>(points.n_rows), 1.0);
  double total = static_cast<double>(points.n_rows);
  std::vector<double> nearer(weights.size()), best(weights.size());
  for (int c = 0; c < options.n_clusters; ++c) {
    if (total == 0) {
      throw Error(fmt::format("{} clusters of {} distinct rows; ask for {} at most",
                              options.n_clusters, c, c));
    }
    std::int64_t best_row = 0;
    double best_total = 0;
    for (int trial = 0; trial < (c == 0 ? 1 : n_trials); ++trial) {
      const std::int64_t row = draws.draw(weights, total, c, trial);
      double sum = 0;
      for (std::int64_t r = 0; r < points.n_rows; ++r) {
        const auto i = static_cast<std::size_t>(r);
        const double distance = squared_distance(points.row(r), points.row(row));
        nearer[i] = c == 0 ? distance : std::min(weights[i], distance);
        sum += nearer[i];
      }
      if (trial == 0 || sum < best_total) {
        best_total = sum;
        best_row = row;
        best.swap(nearer);
      }
    }
    weights = best;
    total = best_total;
    const auto centre = points.row(best_row);
    centres.insert(centres.end(), centre.begin(), centre.end());
  }
  return centres;
}

void number_by_size(Kmeans& result, std::int64_t n_columns) {
  const auto n_clusters = static_cast<std::int64_t>(result.sizes.size());
  const Points centres{result.centres, n_clusters, n_columns};
  std::vector<std::int64_t> order(result.sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    const auto size = [&](std::int64_t c) { return result.sizes[static_cast<std::size_t>(c)]; };
    if (size(a) != size(b)) return size(a) > size(b);
    return std::ranges::lexicographical_compare(centres.row(a), centres.row(b));
  });
  std::vector<std::int32_t> number(order.size());
  std::vector<std::int64_t> sizes;
  std::vector<double> moved;
  for (std::size_t i = 0; i < order.size(); ++i) {
    number[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
    sizes.push_back(result.sizes[static_cast<std::size_t>(order[i])]);
    const auto centre = centres.row(order[i]);
    moved.insert(moved.end(), centre.begin(), centre.end());
  }
  for (std::int32_t& label : result.labels) label = number[static_cast<std::size_t>(label)];
  result.sizes = std::move(sizes);
  result.centres = std::move(moved);
}

}  // namespace

Kmeans kmeans(Points points, const KmeansOptions& options) {
  if (options.n_clusters < 1 || options.n_starts < 1) {
    throw Error(fmt::format("k-means with {} clusters and {} starts; ask for 1 at least",
                            options.n_clusters, options.n_starts));
  }
  if (options.n_clusters > points.n_rows) {
    throw Error(fmt::format("{} clusters of {} rows; ask for {} at most", options.n_clusters,
                            points.n_rows, points.n_rows));
  }
  Kmeans best;
  for (int start = 0; start < options.n_starts; ++start) {
    Kmeans result =
        lloyd(start_at(points, plus_plus(points, options, start), options.n_clusters), options);
    if (start == 0 || result.inertia < best.inertia) best = std::move(result);
  }
  number_by_size(best, points.n_columns);
  return best;
}

Kmeans kmeans(Points points, Points initial_centres, const KmeansOptions& options) {
  if (points.n_rows < 1 || initial_centres.n_rows < 1 ||
      points.n_columns != initial_centres.n_columns) {
    throw Error(fmt::format(
        "k-means of {} rows x {} columns from {} centres x {} columns; give a row "
        "and a centre at least, of the same columns",
        points.n_rows, points.n_columns, initial_centres.n_rows, initial_centres.n_columns));
  }
  return lloyd(start_at(points, {initial_centres.values.begin(), initial_centres.values.end()},
                        initial_centres.n_rows),
               options);
}

}  // namespace hourglass
