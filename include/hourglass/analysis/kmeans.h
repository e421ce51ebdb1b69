#pragma once

#include <cstdint>
#include <vector>

#include "hourglass/analysis/dense_view.h"

namespace hourglass {

/// Rows in clusters, each row in that of its nearest centre (the first of equally near ones).
struct Kmeans {
  std::vector<std::int32_t> labels;  ///< [n_rows], each in [0, n_clusters)
  std::vector<double> centres;       ///< [n_clusters, n_columns]: the means of their rows
  std::vector<std::int64_t> sizes;   ///< [n_clusters]: rows of each
  double inertia = 0;                ///< sum of the squared distances of the rows to their centres
  int n_iterations = 0;              ///< how often the centres were moved
};

struct KmeansOptions {
  int n_clusters = 8;
  int n_starts = 10;         ///< the start that ends with the least inertia counts
  int max_iterations = 300;  ///< of a start
  /// A start ends when its centres move by no more than this in sum of squares, in units of the
  /// columns' mean variance; or when no row changes its cluster.
  double tolerance = 1e-4;
  std::uint64_t seed = 42;
};

/// Lloyd's algorithm from several k-means++ starts (Arthur & Vassilvitskii 2007, the greedy
/// variant: each centre is the best of 2 + log(n_clusters) draws, as in scikit-learn). A cluster
/// that loses all its rows starts anew at the row that is furthest from its centre. Clusters are
/// numbered by size, the largest first, equal ones by their centres: two seeds that find the same
/// clusters say so in the same words. Sums in double, the same bits for the same input and seed.
/// Throws Error where there are fewer distinct rows than clusters.
Kmeans kmeans(DenseView<double> points, const KmeansOptions& options = {});

/// Lloyd's algorithm from given centres [n_clusters, n_columns]; cluster c is the one that grew
/// from row c. n_starts, n_clusters and seed do not count. Throws Error where there is no row or
/// centre, or their columns differ.
Kmeans kmeans(DenseView<double> points, DenseView<double> initial_centres,
              const KmeansOptions& options = {});

}  // namespace hourglass
