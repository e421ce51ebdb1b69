#include "hourglass/data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <numbers>
#include <thread>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"

namespace hourglass {
namespace {

constexpr std::uint32_t kValues = 6;  // 0..5
constexpr double kHighest = 5;

class Cell {
 public:
  Cell(const SyntheticOptions& options, std::uint32_t row, std::uint32_t column)
      : options_(options), row_(row), column_(column) {}

  float value() const {
    const double before = whole();
    if (options_.noise == 0) return static_cast<float>(before);
    // Noise below zero leaves nothing of a zero: most cells need no logarithm.
    const auto w = words(RandomPurpose::kSyntheticNoise);
    const double turn = uniform53(w[2], w[3]);
    if (before == 0 && turn > 0.2501 && turn < 0.7499) return 0;
    const double value = before + options_.noise * normal(uniform53(w[0], w[1]), turn);
    return static_cast<float>(std::clamp(value, 0.0, kHighest));
  }

 private:
  std::array<std::uint32_t, 4> words(RandomPurpose purpose) const {
    return philox(options_.seed, purpose, 0, row_, column_);
  }

  // 0..5, or 0 where the cell is set to zero.
  double whole() const {
    if (words(RandomPurpose::kSyntheticZero)[0] * 0x1p-32 < options_.sparsity) return 0;
    const std::uint64_t word = words(RandomPurpose::kSyntheticValue)[0];
    return static_cast<double>(word * kValues >> 32);
  }

  static double uniform53(std::uint32_t high, std::uint32_t low) {
    return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
  }

  // N(0, 1), by Box and Muller from two uniforms in [0, 1).
  static double normal(double radius_uniform, double turn) {
    const double radius = std::sqrt(-2 * std::log(1 - radius_uniform));
    return radius * std::cos(2 * std::numbers::pi * turn);
  }

  const SyntheticOptions& options_;
  std::uint32_t row_, column_;
};

void check(const SyntheticOptions& options) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (options.rows < 1 || options.rows > kMost || options.columns < 1 || options.columns > kMost) {
    throw UsageError(fmt::format("rows and columns must be from 1 to {}", kMost));
  }
  if (!(options.sparsity >= 0 && options.sparsity <= 1)) {
    throw UsageError("the sparsity must be from 0 to 1");
  }
  if (!(options.noise >= 0 && options.noise <= 1e6)) {
    throw UsageError("the noise must be from 0 to 1e6");
  }
}

// Rows [begin, end), as a matrix of their own.
CsrMatrix rows_of(const SyntheticOptions& options, std::int64_t begin, std::int64_t end) {
  CsrMatrix matrix;
  for (std::int64_t row = begin; row < end; ++row) {
    for (std::int64_t column = 0; column < options.columns; ++column) {
      const Cell cell(options, static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column));
      const float value = cell.value();
      if (value > 0) {
        matrix.columns.push_back(static_cast<std::int32_t>(column));
        matrix.values.push_back(value);
      }
    }
    matrix.row_offsets.push_back(static_cast<std::int64_t>(matrix.columns.size()));
  }
  return matrix;
}

}  // namespace

Ratings synthetic_ratings(const SyntheticOptions& options) {
  check(options);
  Ratings ratings;
  CsrMatrix& matrix = ratings.matrix;
  matrix.n_rows = options.rows;
  matrix.n_columns = options.columns;
  // A cell knows of no other: as many threads as there are cores, a run of rows each.
  const auto n_parts =
      std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, options.rows);
  std::vector<std::future<CsrMatrix>> parts;
  for (std::int64_t p = 0; p < n_parts; ++p) {
    parts.push_back(std::async(std::launch::async, rows_of, options, options.rows * p / n_parts,
                               options.rows * (p + 1) / n_parts));
  }
  for (std::future<CsrMatrix>& future : parts) {
    const CsrMatrix part = future.get();
    const std::int64_t before = matrix.n_entries();
    for (std::size_t r = 1; r < part.row_offsets.size(); ++r) {
      matrix.row_offsets.push_back(before + part.row_offsets[r]);
    }
    matrix.columns.insert(matrix.columns.end(), part.columns.begin(), part.columns.end());
    matrix.values.insert(matrix.values.end(), part.values.begin(), part.values.end());
  }
  for (std::int64_t row = 0; row < options.rows; ++row) ratings.row_ids.add(std::to_string(row));
  for (std::int64_t i = 0; i < options.columns; ++i) ratings.column_ids.add(std::to_string(i));
  return ratings;
}

}  // namespace hourglass
