#pragma once

#include <cstdint>
#include <span>

#include "hourglass/analysis/dense_view.h"

namespace hourglass {

struct Silhouette {
  double mean = 0;             ///< -1 .. 1: how much nearer the rows are to their own cluster
  std::int64_t n_sampled = 0;  ///< rows that the mean is over
};

/// The mean silhouette coefficient (Rousseeuw 1987): (b - a) / max(a, b) of a row, a its mean
/// Euclidean distance to the other rows of its cluster, b that to the rows of the nearest other
/// cluster; 0 for a row alone in its cluster.
///
/// The mean is over at most n_sample rows, drawn by Philox; a and b of each are exact, over all
/// rows (unlike sklearn's sample_size, which forgets the other rows). With n_sample >= rows it is
/// sklearn.metrics.silhouette_score. labels [n_rows] are >= 0.
///
/// Throws Error where the rows are in fewer than two clusters, or n_sample < 1.
Silhouette silhouette(DenseView<double> points, std::span<const std::int32_t> labels,
                      std::int64_t n_sample = 1000, std::uint64_t seed = 42);

}  // namespace hourglass
