#include "hourglass/data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <numbers>
#include <thread>
#include <vector>

#include "hourglass/core/available_memory.h"
#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"
#include "hourglass/core/start_thread.h"

namespace hourglass {
namespace {

constexpr std::uint32_t kValues = 6;  // 0..5
constexpr double kHighest = 5;

double uniform53(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

/// The cells of one row, a block of columns at a time.
class Cells {
 public:
  Cells(const SyntheticOptions& options, std::uint32_t row) : options_(options), row_(row) {}

  void draw(std::uint32_t first_column) {
    draw(RandomPurpose::kSyntheticZero, first_column, zero_);
    draw(RandomPurpose::kSyntheticValue, first_column, value_);
    if (options_.noise > 0) draw(RandomPurpose::kSyntheticNoise, first_column, noise_);
  }

  /// Of the i-th column of the block.
  float value(std::size_t i) const {
    const double before = whole(i);
    if (options_.noise == 0) return static_cast<float>(before);
    // Noise below zero leaves nothing of a zero: many cells need no logarithm.
    const double turn = uniform53(noise_[2][i], noise_[3][i]);
    if (before == 0 && turn > 0.2501 && turn < 0.7499) return 0;
    // N(0, 1), by Box and Muller from two uniforms, one of them in (0, 1].
    const double radius = std::sqrt(-2 * std::log(1 - uniform53(noise_[0][i], noise_[1][i])));
    const double normal = radius * std::cos(2 * std::numbers::pi * turn);
    return static_cast<float>(std::clamp(before + options_.noise * normal, 0.0, kHighest));
  }

 private:
  void draw(RandomPurpose purpose, std::uint32_t first_column, PhiloxBlock& words) const {
    philox_block(options_.seed, purpose, 0, row_, first_column, words);
  }

  // 0..5, or 0 where the cell is set to zero.
  double whole(std::size_t i) const {
    if (zero_[0][i] * 0x1p-32 < options_.sparsity) return 0;
    return static_cast<double>(std::uint64_t{value_[0][i]} * kValues >> 32);
  }

  const SyntheticOptions& options_;
  std::uint32_t row_;
  PhiloxBlock zero_, value_, noise_;
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

/// The share of cells above zero, but for a few.
double share_above_zero(const SyntheticOptions& options) {
  const double whole = (1 - options.sparsity) * (kValues - 1) / kValues;
  return options.noise > 0 ? whole + (1 - whole) / 2 : whole;
}

/// Before a cell is drawn: drawing them all can take days, and only then would memory fail.
void require_memory_for(const SyntheticOptions& options) {
  constexpr double kOfAnEntry = 16;  // a column and a value, twice where the parts are joined
  constexpr double kOfALine = 48;    // an id and its place, an offset
  const double entries = share_above_zero(options) * static_cast<double>(options.rows) *
                         static_cast<double>(options.columns);
  const double lines = static_cast<double>(options.rows) + static_cast<double>(options.columns);
  const double needed = std::min(kOfAnEntry * entries + kOfALine * lines, 0x1p62);
  require_memory(static_cast<std::uint64_t>(needed), "the synthetic matrix",
                 "lower --rows or --columns, or raise --sparsity");
}

// Rows [begin, end), as a matrix of their own.
CsrMatrix rows_of(const SyntheticOptions& options, std::int64_t begin, std::int64_t end) {
  CsrMatrix matrix;
  // At most these are above zero but for a few; memory that is not touched costs nothing.
  const double n_cells = static_cast<double>(end - begin) * static_cast<double>(options.columns);
  const double likely = std::min(1.02 * share_above_zero(options) * n_cells, 0x1p28);
  matrix.columns.reserve(static_cast<std::size_t>(likely));
  matrix.values.reserve(static_cast<std::size_t>(likely));
  for (std::int64_t row = begin; row < end; ++row) {
    Cells cells(options, static_cast<std::uint32_t>(row));
    for (std::int64_t first = 0; first < options.columns; first += kPhiloxBlock) {
      cells.draw(static_cast<std::uint32_t>(first));
      const std::int64_t n = std::min<std::int64_t>(kPhiloxBlock, options.columns - first);
      for (std::int64_t i = 0; i < n; ++i) {
        const float value = cells.value(static_cast<std::size_t>(i));
        if (value > 0) {
          matrix.columns.push_back(static_cast<std::int32_t>(first + i));
          matrix.values.push_back(value);
        }
      }
    }
    matrix.row_offsets.push_back(static_cast<std::int64_t>(matrix.columns.size()));
  }
  return matrix;
}

}  // namespace

Ratings synthetic_ratings(const SyntheticOptions& options) {
  check(options);
  require_memory_for(options);
  Ratings ratings;
  CsrMatrix& matrix = ratings.matrix;
  matrix.n_rows = options.rows;
  matrix.n_columns = options.columns;
  // A cell knows of no other: as many threads as there are cores, a run of rows each.
  const auto n_parts =
      std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, options.rows);
  std::vector<std::future<CsrMatrix>> parts;
  for (std::int64_t p = 0; p < n_parts; ++p) {
    parts.push_back(start_thread([&] {
      return std::async(std::launch::async, rows_of, options, options.rows * p / n_parts,
                        options.rows * (p + 1) / n_parts);
    }));
  }
  std::vector<CsrMatrix> drawn;
  std::size_t n_entries = 0;
  for (std::future<CsrMatrix>& part : parts) {
    drawn.push_back(part.get());
    n_entries += drawn.back().values.size();
  }
  matrix.columns.reserve(n_entries);
  matrix.values.reserve(n_entries);
  for (const CsrMatrix& part : drawn) {
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
