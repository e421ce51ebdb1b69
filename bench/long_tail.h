#pragma once

#include <cstdint>

#include "hourglass/core/csr.h"

namespace hourglass::bench {

/// Ratings as shops and libraries have them: few rows are long, and few columns are in most rows.
struct LongTail {
  std::int64_t rows = 50000, columns = 20000;
  double mean = 30;  ///< ratings of a row
};

/// The same matrix every time. A row's length is log-normal (its logarithm's standard deviation
/// 0.9), of 3 to 1,500 ratings and a quarter of the columns at most; a rating is of the column of
/// rank x with a probability that falls as (x + 20)^-0.9, popular columns being spread over all
/// ids; its value is 1 to 5, mostly 3 to 5. Every column is rated. Throws Error where no such
/// matrix is.
CsrMatrix long_tail_ratings(const LongTail& options);

}  // namespace hourglass::bench
