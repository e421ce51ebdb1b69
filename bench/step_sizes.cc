#include "bench/step_sizes.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

namespace hourglass::bench {

StepSizes step_sizes(const CsrMatrix& ratings, std::span<const std::int32_t> order,
                     std::int64_t batch, std::int64_t n_batches) {
  StepSizes sizes;
  std::vector<std::int64_t> last_batch(static_cast<std::size_t>(ratings.n_columns), -2);
  for (std::int64_t k = 0; k < n_batches; ++k) {
    const std::int64_t end = std::min((k + 1) * batch, std::ssize(order));
    for (std::int64_t b = k * batch; b < end; ++b) {
      const std::int32_t row = order[static_cast<std::size_t>(b)];
      ++sizes.rows;
      sizes.ratings += static_cast<double>(ratings.row_length(row));
      for (const std::int32_t column : ratings.row_columns(row)) {
        std::int64_t& last = last_batch[static_cast<std::size_t>(column)];
        if (last == k) continue;
        ++sizes.touched;
        if (k > 0 && last != k - 1) ++sizes.caught_up;
        last = k;
      }
    }
  }
  for (double* sum : {&sizes.rows, &sizes.ratings, &sizes.touched}) {
    *sum /= static_cast<double>(n_batches);
  }
  sizes.caught_up /= static_cast<double>(std::max<std::int64_t>(n_batches - 1, 1));
  return sizes;
}

nlohmann::json to_json(const StepSizes& sizes) {
  return {{"rows", sizes.rows},
          {"ratings", sizes.ratings},
          {"touched", sizes.touched},
          {"caught_up", sizes.caught_up}};
}

}  // namespace hourglass::bench
