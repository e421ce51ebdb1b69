#pragma once

#include <cstdint>

#include "hourglass/data/ratings.h"

namespace hourglass {

struct SyntheticOptions {
  std::int64_t rows = 10000;
  std::int64_t columns = 500;
  double sparsity = 0.8;  ///< probability that a cell is set to 0 before the noise
  double noise = 0.3;     ///< standard deviation of the noise on every cell
  std::uint64_t seed = 42;
};

/// The notebook's test matrix: whole numbers 0..5, each set to 0 with probability `sparsity`, plus
/// `noise` * N(0, 1) on every cell, clamped to 0..5. The ratings are the cells above 0. Ids are
/// "0".."n-1". Each cell depends on the seed, its row and its column alone, so a smaller matrix is
/// the corner of a larger one. Throws UsageError where an option is out of range.
Ratings synthetic_ratings(const SyntheticOptions& options);

}  // namespace hourglass
