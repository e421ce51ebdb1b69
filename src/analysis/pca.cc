#include "hourglass/analysis/pca.h"

#include <fmt/format.h>

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/centred_matrix.h"
#include "analysis/lanczos.h"
#include "hourglass/core/available_memory.h"
#include "hourglass/core/error.h"

namespace hourglass {
namespace {

using analysis::Block;
using analysis::CentredMatrix;
using Eigen::Index;
using Eigen::MatrixXd;

void check(std::int64_t n_rows, std::int64_t n_columns, const PcaOptions& options) {
  if (n_rows < 2) {
    throw Error(
        fmt::format("principal components of {} rows: a variance takes 2 at least; give more "
                    "ratings",
                    n_rows));
  }
  const std::int64_t most = std::min(n_rows, n_columns);
  if (options.n_components < 1 || options.n_components > most) {
    throw Error(fmt::format("{} principal components of {} rows x {} columns; ask for 1 to {}",
                            options.n_components, n_rows, n_columns, most));
  }
}

/// Before anything is computed. `dense`: a centred copy of the matrix is made.
void require_memory_for(std::int64_t n_rows, std::int64_t n_columns, std::int64_t k, bool dense) {
  const auto rows = static_cast<double>(n_rows), columns = static_cast<double>(n_columns);
  const double shorter = std::min(rows, columns), vectors = static_cast<double>(k);
  const double basis = std::min(shorter, 3 * vectors + 200);
  // The basis and its small square, blocks of vectors of either length on their way.
  const double doubles = shorter * basis + 3 * basis * basis + 4 * shorter * vectors +
                         2 * (rows + columns) * vectors + (dense ? rows * columns : 0);
  require_memory(static_cast<std::uint64_t>(std::min(doubles * sizeof(double), 0x1p62)),
                 "finding the principal components", "ask for fewer --components");
}

/// Right singular vectors [n_columns, k] and singular values [k].
struct Singular {
  MatrixXd right;
  Eigen::VectorXd values;
};

Singular leading_singular(const CentredMatrix& a, Index k, std::uint64_t seed) {
  const bool by_rows = a.n_rows() < a.n_columns();  // the basis lies on the shorter side
  const auto square = [&](const Block& x) {
    return by_rows ? a.times(a.transposed_times(x)) : a.transposed_times(a.times(x));
  };
  const MatrixXd vectors =
      analysis::leading_eigenvectors(std::min(a.n_rows(), a.n_columns()), k, square, seed);
  // One product more, not squared: singular values of which half the digits are not yet lost.
  const MatrixXd image = by_rows ? a.transposed_times(vectors) : a.times(vectors);
  const Eigen::HouseholderQR<MatrixXd> qr(image);
  const MatrixXd r = qr.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  const Eigen::BDCSVD<MatrixXd> svd(r, Eigen::ComputeFullU | Eigen::ComputeFullV);
  if (!by_rows) return {vectors * svd.matrixV(), svd.singularValues()};
  const MatrixXd q = qr.householderQ() * MatrixXd::Identity(image.rows(), k);
  return {q * svd.matrixU(), svd.singularValues()};
}

Pca analyse(const CentredMatrix& a, const PcaOptions& options) {
  if (!std::isfinite(a.squared_norm())) {
    throw Error(
        "principal components of values that are not all finite; take out NaN and infinity");
  }
  const Index k = options.n_components;
  const double degrees = static_cast<double>(a.n_rows() - 1);
  // numpy.linalg.matrix_rank's tolerance: what is less is rounding.
  const double nothing = std::numeric_limits<double>::epsilon() *
                         static_cast<double>(std::max(a.n_rows(), a.n_columns())) *
                         std::sqrt(a.summed_squared_norm());
  Singular singular = leading_singular(a, k, options.seed);
  // Of the rows themselves, one by one: equal rows have equal scores, to the bit.
  Block scores = a.times(singular.right);

  Pca result;
  result.n_rows = a.n_rows();
  result.n_columns = a.n_columns();
  result.n_components = options.n_components;
  result.mean.assign(a.mean().begin(), a.mean().end());
  if (a.squared_norm() > nothing * nothing) result.total_variance = a.squared_norm() / degrees;
  for (Index c = 0; c < k; ++c) {
    const double s = singular.values[c];
    const double variance = s > nothing ? s * s / degrees : 0;
    result.explained_variance.push_back(variance);
    result.explained_variance_ratio.push_back(
        result.total_variance > 0 ? variance / result.total_variance : 0);
    if (variance == 0) {
      scores.col(c).setZero();
      continue;
    }
    Index furthest = 0;
    scores.col(c).cwiseAbs().maxCoeff(&furthest);
    if (scores(furthest, c) < 0) {
      scores.col(c) *= -1;
      singular.right.col(c) *= -1;
    }
  }
  result.scores.assign(scores.data(), scores.data() + scores.size());
  // Column by column in memory, which is component by component.
  result.components.assign(singular.right.data(), singular.right.data() + singular.right.size());
  return result;
}

}  // namespace

Pca pca(const CsrMatrix& matrix, const PcaOptions& options) {
  check(matrix.n_rows, matrix.n_columns, options);
  require_memory_for(matrix.n_rows, matrix.n_columns, options.n_components, false);
  return analyse(*analysis::centred(matrix), options);
}

Pca pca(DenseView<float> matrix, const PcaOptions& options) {
  check(matrix.n_rows, matrix.n_columns, options);
  require_memory_for(matrix.n_rows, matrix.n_columns, options.n_components, true);
  return analyse(*analysis::centred(matrix), options);
}

}  // namespace hourglass
