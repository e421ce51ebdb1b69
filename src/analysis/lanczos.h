#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>

#include "analysis/centred_matrix.h"

namespace hourglass::analysis {

/// The k leading eigenvectors [size, k], orthonormal, greatest first, of a symmetric positive
/// semidefinite M [size, size] that is known by `product`, X -> M X, alone; 1 <= k <= size.
///
/// Block Lanczos iteration with full reorthogonalisation and thick restarts (Golub & Underwood
/// 1977; Wu & Simon 2000). Blocks are k wide, so that even k equal eigenvalues are all found; and
/// against subspace iteration (Halko, Martinsson & Tropp 2011) nothing that was multiplied is
/// thrown away, which counts where the spectrum falls slowly, as that of ratings does.
///
/// Throws Error where the vectors do not settle.
Eigen::MatrixXd leading_eigenvectors(Eigen::Index size, Eigen::Index k,
                                     const std::function<Block(const Block&)>& product,
                                     std::uint64_t seed);

}  // namespace hourglass::analysis
