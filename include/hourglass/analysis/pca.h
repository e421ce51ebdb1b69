#pragma once

#include <cstdint>
#include <vector>

#include "hourglass/analysis/dense_view.h"
#include "hourglass/core/csr.h"

namespace hourglass {

/// Principal components of a matrix A [n_rows, n_columns], as sklearn.decomposition.PCA defines
/// them: A - mean = U S V^T, the largest singular values first.
struct Pca {
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  int n_components = 0;
  std::vector<double> mean;                ///< [n_columns]
  std::vector<double> components;          ///< [n_components, n_columns]: V^T, unit rows
  std::vector<double> scores;              ///< [n_rows, n_components]: (A - mean) V
  std::vector<double> explained_variance;  ///< [n_components]: S^2 / (n_rows - 1)
  std::vector<double>
      explained_variance_ratio;  ///< [n_components]: of total_variance; 0 where it is
  double total_variance = 0;     ///< the sum of all columns' variances, exact

  DenseView<double> points() const { return {scores, n_rows, n_components}; }
};

struct PcaOptions {
  int n_components = 2;
  std::uint64_t seed = 42;  ///< of the random start; it shows in the last digits only
};

/// The leading principal components, by block Lanczos iteration from a random start: in O(entries)
/// memory and a few floats a row and column, never rows x columns (the columns are centred in the
/// products). A cell without an entry is 0. The sums are double and on one thread: the same input
/// and seed give the same bits.
///
/// Signs are scikit-learn 1.2's (svd_flip): of each component the score furthest from 0 is
/// positive. Components beyond the rank of A - mean have variance and scores of exactly 0.
///
/// Throws Error: fewer than 2 rows, fewer than 1 component or more than min(rows, columns), values
/// that are not finite.
Pca pca(const CsrMatrix& matrix, const PcaOptions& options = {});
/// The same of a dense matrix, which it copies into doubles.
Pca pca(DenseView<float> matrix, const PcaOptions& options = {});

}  // namespace hourglass
