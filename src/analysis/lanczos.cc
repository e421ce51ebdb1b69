#include "analysis/lanczos.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>

#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"

namespace hourglass::analysis {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

// Relative to the greatest eigenvalue: the residual |M v - lambda v| of a vector that has settled,
// and the length of a direction that says nothing any more.
constexpr double kSettled = 1e-11;
constexpr double kNegligible = 1e-13;
constexpr int kMostProducts = 5000;

MatrixXd orthonormal(const MatrixXd& vectors) {
  const Eigen::HouseholderQR<MatrixXd> qr(vectors);
  return qr.householderQ() * MatrixXd::Identity(vectors.rows(), vectors.cols());
}

MatrixXd random_block(Index size, Index k, std::uint64_t seed) {
  MatrixXd block(size, k);
  for (Index c = 0; c < k; ++c) {
    for (Index r = 0; r < size; ++r) {
      const auto words = philox(seed, RandomPurpose::kRangeFinder, 0, static_cast<std::uint32_t>(r),
                                static_cast<std::uint32_t>(c));
      block(r, c) = static_cast<double>(uniform(words[0])) - 0.5;
    }
  }
  return orthonormal(block);
}

/// The orthonormal basis Q that grows, and T = Q^T M Q.
class Krylov {
 public:
  Krylov(Index size, Index capacity)
      : basis_(size, capacity), projected_(MatrixXd::Zero(capacity, capacity)) {}

  Index used() const { return used_; }
  bool fits(Index more) const { return used_ + more <= basis_.cols(); }

  /// Appends `block`; what remains of `product`, M block, outside Q.
  MatrixXd extend(const MatrixXd& block, MatrixXd product) {
    basis_.middleCols(used_, block.cols()) = block;
    const Index end = used_ + block.cols();
    const MatrixXd inside = basis_.leftCols(end).transpose() * product;
    product.noalias() -= basis_.leftCols(end) * inside;
    projected_.block(0, used_, end, block.cols()) = inside;
    projected_.block(used_, 0, block.cols(), end) = inside.transpose();
    used_ = end;
    return product;
  }

  /// An orthonormal basis of the first `rank` columns of `qr`'s Q, orthogonal to this one. What
  /// extend() left was orthogonal to rounding of its product, of which little may have remained.
  MatrixXd next_block(const Eigen::ColPivHouseholderQR<MatrixXd>& qr, Index rank) const {
    const MatrixXd vectors = qr.householderQ() * MatrixXd::Identity(basis_.rows(), rank);
    return orthonormal(vectors -
                       basis_.leftCols(used_) * (basis_.leftCols(used_).transpose() * vectors));
  }

  /// Eigenvalues and vectors of T, the least first.
  Eigen::SelfAdjointEigenSolver<MatrixXd> solve() const {
    return Eigen::SelfAdjointEigenSolver<MatrixXd>(projected_.topLeftCorner(used_, used_));
  }

  MatrixXd vectors(const MatrixXd& coefficients) const {
    return basis_.leftCols(used_) * coefficients;
  }

  /// Q becomes the eigenvectors of the `keep` greatest eigenvalues.
  void restart(const Eigen::SelfAdjointEigenSolver<MatrixXd>& solved, Index keep) {
    basis_.leftCols(keep) = vectors(solved.eigenvectors().rightCols(keep)).eval();
    projected_.setZero();
    projected_.diagonal().head(keep) = solved.eigenvalues().tail(keep);
    used_ = keep;
  }

 private:
  MatrixXd basis_;      ///< [size, capacity]
  MatrixXd projected_;  ///< [capacity, capacity]
  Index used_ = 0;
};

}  // namespace

MatrixXd leading_eigenvectors(Index size, Index k,
                              const std::function<Block(const Block&)>& product,
                              std::uint64_t seed) {
  const Index capacity = std::min(size, 3 * k + 200);
  Krylov krylov(size, capacity);
  MatrixXd next = random_block(size, k, seed);
  double greatest = 0;   // a lower bound of the greatest eigenvalue
  Index next_check = k;  // solving for every block would cost more than the products
  for (int n_products = 0; n_products < kMostProducts; ++n_products) {
    const Index width = next.cols();
    const MatrixXd image = product(next);
    greatest = std::max(greatest, image.colwise().norm().maxCoeff());
    const MatrixXd remainder = krylov.extend(next, image);

    const Eigen::ColPivHouseholderQR<MatrixXd> qr(remainder);
    const Index room = size - krylov.used();
    Index rank = 0;
    while (rank < std::min(width, room) &&
           std::abs(qr.matrixQR()(rank, rank)) > kNegligible * greatest) {
      ++rank;
    }

    const bool full = !krylov.fits(rank);
    if (rank > 0 && !full && krylov.used() < next_check) {
      next = krylov.next_block(qr, rank);
      continue;
    }
    const auto solved = krylov.solve();
    const MatrixXd leading = solved.eigenvectors().rightCols(k);
    // M Q = Q T + remainder [0 I]: the last block's alone is left over.
    const MatrixXd residuals = remainder * leading.bottomRows(width);
    if (rank == 0 || residuals.colwise().norm().maxCoeff() <= kSettled * greatest) {
      return krylov.vectors(leading.rowwise().reverse());
    }
    next = krylov.next_block(qr, rank);
    if (full) krylov.restart(solved, std::min(k + (capacity - k) / 2, capacity - rank));
    next_check = krylov.used() + std::max(k, krylov.used() / 4);
  }
  throw Error("the principal components do not settle; ask for fewer, or try another --seed");
}

}  // namespace hourglass::analysis
