#include "bench/long_tail.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

#include "hourglass/core/error.h"

namespace hourglass::bench {
namespace {

/// std::mt19937_64 is the same everywhere, the standard library's distributions are not.
class Draw {
 public:
  explicit Draw(std::int64_t n_columns) : n_columns_(n_columns) {
    while (std::gcd(stride_, n_columns_) != 1) ++stride_;
    nearest_ = std::pow(kOffset, 1 - kFall);
    reach_ = std::pow(static_cast<double>(n_columns) + kOffset, 1 - kFall) - nearest_;
  }

  std::int64_t row_length(double mean, std::int64_t longest) {
    constexpr double kSpread = 0.9;
    const double normal =
        std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * std::numbers::pi * uniform());
    const double length = std::exp(std::log(mean) - kSpread * kSpread / 2 + kSpread * normal);
    return std::clamp<std::int64_t>(std::llround(length), std::min<std::int64_t>(3, longest),
                                    longest);
  }
  std::int32_t column() {
    const double x = std::pow(nearest_ + uniform() * reach_, 1 / (1 - kFall)) - kOffset;
    return of_rank(std::clamp<std::int64_t>(static_cast<std::int64_t>(x), 0, n_columns_ - 1));
  }
  std::int32_t of_rank(std::int64_t rank) const {
    return static_cast<std::int32_t>(rank * stride_ % n_columns_);
  }
  float value() {
    constexpr std::array kUpTo = {0.06, 0.17, 0.43, 0.78};
    return static_cast<float>(
        1 + (std::upper_bound(kUpTo.begin(), kUpTo.end(), uniform()) - kUpTo.begin()));
  }

 private:
  static constexpr double kFall = 0.9, kOffset = 20;

  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }  // of [0, 1)

  std::int64_t n_columns_, stride_ = 7919;
  double nearest_, reach_;
  std::mt19937_64 random_;
};

}  // namespace

CsrMatrix long_tail_ratings(const LongTail& options) {
  const std::int64_t longest =
      std::min(std::max<std::int64_t>(1500, std::llround(5 * options.mean)), options.columns / 4);
  if (longest < 1 || options.rows < 1 || !(options.mean >= 1) ||
      options.columns > options.rows * longest) {
    throw Error("there is no such long-tail matrix");
  }
  CsrMatrix ratings;
  ratings.n_rows = options.rows;
  ratings.n_columns = options.columns;
  Draw draw(options.columns);
  std::vector<std::int64_t> last_row(static_cast<std::size_t>(options.columns), -1);
  for (std::int64_t row = 0; row < options.rows; ++row) {
    std::int64_t n = 0;
    const auto add = [&](std::int32_t column) {
      std::int64_t& last = last_row[static_cast<std::size_t>(column)];
      if (last == row) return;
      last = row;
      ratings.columns.push_back(column);
      ++n;
    };
    const std::int64_t length = draw.row_length(options.mean, longest);
    // Every column is in one row at least: rank r in row r modulo the rows.
    for (std::int64_t r = row; r < options.columns; r += options.rows) add(draw.of_rank(r));
    while (n < length) add(draw.column());
    std::sort(ratings.columns.end() - n, ratings.columns.end());
    ratings.row_offsets.push_back(std::ssize(ratings.columns));
  }
  ratings.values.resize(ratings.columns.size());
  std::generate(ratings.values.begin(), ratings.values.end(), [&] { return draw.value(); });
  return ratings;
}

}  // namespace hourglass::bench
