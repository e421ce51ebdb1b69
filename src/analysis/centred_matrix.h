#pragma once

#include <Eigen/Core>
#include <memory>

#include "hourglass/analysis/dense_view.h"
#include "hourglass/core/csr.h"

namespace hourglass::analysis {

/// A few vectors side by side, [n, few]: one element of each next to the other, since an entry of a
/// sparse matrix meets them all at once.
using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A - 1 mean^T, of which an algorithm sees products alone: a sparse A is never densified.
class CentredMatrix {
 public:
  virtual ~CentredMatrix() = default;

  virtual Block times(const Block& x) const = 0;             ///< [n_columns, b] -> [n_rows, b]
  virtual Block transposed_times(const Block& y) const = 0;  ///< [n_rows, b] -> [n_columns, b]

  Eigen::Index n_rows() const { return n_rows_; }
  Eigen::Index n_columns() const { return mean_.size(); }
  const Eigen::VectorXd& mean() const { return mean_; }  ///< [n_columns]
  double squared_norm() const { return squared_norm_; }  ///< Frobenius, of the centred matrix
  /// Frobenius norm, squared, of what the products sum: their rounding is relative to it. Where A
  /// is centred in the products it is A's own, which may be far more than the centred matrix's.
  double summed_squared_norm() const { return summed_squared_norm_; }

 protected:
  explicit CentredMatrix(Eigen::Index n_rows, Eigen::Index n_columns)
      : n_rows_(n_rows), mean_(Eigen::VectorXd::Zero(n_columns)) {}

  Eigen::Index n_rows_;
  Eigen::VectorXd mean_;
  double squared_norm_ = 0;
  double summed_squared_norm_ = 0;
};

/// Refers to `matrix`.
std::unique_ptr<CentredMatrix> centred(const CsrMatrix& matrix);
/// Copies `matrix`, centred.
std::unique_ptr<CentredMatrix> centred(DenseView<float> matrix);

}  // namespace hourglass::analysis
