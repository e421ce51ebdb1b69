#include "bench/gpu_cases.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/data/synthetic.h"

namespace hourglass::bench {
namespace {

/// How many ratings each row gets.
std::vector<std::int64_t> row_lengths(const Case& c) {
  std::vector<double> wanted(static_cast<std::size_t>(c.n_rows));
  const auto longest = static_cast<double>(c.longest_row);
  const auto set = [&](double s) {
    for (std::size_t r = 0; r < wanted.size(); ++r) {
      wanted[r] = longest * std::pow(static_cast<double>(r + 1), -s);
    }
    return std::accumulate(wanted.begin(), wanted.end(), 0.0);
  };
  double low = 0, high = 4;
  for (int i = 0; i < 30; ++i) {
    const double s = (low + high) / 2;
    (set(s) > static_cast<double>(c.n_ratings) ? low : high) = s;
  }
  // Rounded so that the sum is, too.
  std::vector<std::int64_t> lengths(wanted.size());
  double sum = 0;
  std::int64_t given = 0;
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    sum += wanted[r];
    lengths[r] = std::llround(sum) - given;
    given += lengths[r];
  }
  return lengths;
}

/// Columns by their popularity.
class ColumnDraw {
 public:
  ColumnDraw(std::int64_t n_columns, double popularity)
      : n_(n_columns), q_(1 / (std::sqrt(popularity) - 1)) {
    while (std::gcd(stride_, n_) != 1) ++stride_;
  }
  std::int32_t operator()() {
    const double u = static_cast<double>(random_() >> 11) * 0x1p-53;  // of [0, 1)
    const double x = q_ * u / (1 + q_ - u);
    const auto rank = std::min(static_cast<std::int64_t>(x * static_cast<double>(n_)), n_ - 1);
    return static_cast<std::int32_t>(rank * stride_ % n_);
  }

 private:
  std::int64_t n_, stride_ = 7919;
  double q_;
  std::mt19937_64 random_;
};

}  // namespace

Case::Case(const nlohmann::json& json)
    : name(json.at("case")),
      n_rows(json.at("rows")),
      n_columns(json.at("columns")),
      n_ratings(json.at("ratings")),
      synthetic(json.value("synthetic", false)),
      longest_row(synthetic ? 0 : json.at("longest_row").get<std::int64_t>()),
      popularity(synthetic ? 0 : json.at("popularity").get<double>()),
      batch(json.at("batch")),
      objective(json.at("objective") == "all" ? Objective::kAllCells : Objective::kRatedCells),
      path(json.at("path") == "direct" ? OutputPath::kDirect : OutputPath::kGram) {
  if (!synthetic && (longest_row >= n_columns || popularity <= 1)) {
    throw Error(name + ": no such rows can be drawn");
  }
}

CsrMatrix make_ratings(const Case& c) {
  if (c.synthetic) return synthetic_ratings({.rows = c.n_rows, .columns = c.n_columns}).matrix;
  CsrMatrix ratings;
  ratings.n_rows = c.n_rows;
  ratings.n_columns = c.n_columns;
  ratings.columns.reserve(static_cast<std::size_t>(c.n_ratings));
  ColumnDraw draw(c.n_columns, c.popularity);
  std::vector<std::int64_t> drawn_for(static_cast<std::size_t>(c.n_columns), -1);
  std::int64_t row = 0;
  for (const std::int64_t length : row_lengths(c)) {
    for (std::int64_t n = 0; n < length;) {
      const std::int32_t column = draw();
      std::int64_t& last = drawn_for[static_cast<std::size_t>(column)];
      if (last == row) continue;
      last = row;
      ratings.columns.push_back(column);
      ++n;
    }
    std::sort(ratings.columns.end() - length, ratings.columns.end());
    ratings.row_offsets.push_back(std::ssize(ratings.columns));
    ++row;
  }
  for (const std::int32_t column : ratings.columns) {
    ratings.values.push_back(static_cast<float>(1 + (column + std::ssize(ratings.values)) % 5));
  }
  return ratings;
}

}  // namespace hourglass::bench
