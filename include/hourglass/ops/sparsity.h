#pragma once

#include <cstdint>

#include "hourglass/core/ptr.h"

namespace hourglass {

/// Means of sigmoid(code) are clamped to [kSparsityClamp, 1 - kSparsityClamp].
inline constexpr double kSparsityClamp = 1e-10;

/// The sparse autoencoder's penalty on the code (A. Ng, CS294A: Sparse autoencoder, section 3):
/// with r_j the mean over the batch of sigmoid(code[., j]), clamped, and t the target,
///   penalty = weight sum_j (t log(t / r_j) + (1 - t) log((1 - t) / (1 - r_j)))
///   grad[b, j] = weight / n_rows ((1 - t) / (1 - r_j) - t / r_j) s (1 - s)
/// with s = sigmoid(code[b, j]), and 0 where r_j is clamped. Means are summed in double, in row order.
struct SparsityPenalty {
  Matrix<const float> code;  ///< [n_rows x width]
  std::int64_t n_rows = 0, width = 0;
  double weight = 0, target = 0.05;
  Matrix<float> grad;          ///< out [n_rows x width]
  Ptr<double> unit_penalties;  ///< scratch [width]
  Ptr<double> penalty;         ///< out [1]
};

}  // namespace hourglass
