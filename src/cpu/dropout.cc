#include "cpu/dropout.h"

#include "hourglass/core/philox.h"

namespace hourglass::cpu {

void dropout_input(const DropoutInput& op, std::int64_t begin, std::int64_t end) {
  const CsrPtr& ratings = op.batch.ratings;
  float* ones = op.values.raw() + op.row_begin[op.batch.n_rows];
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row];
    const std::int64_t n = ratings.row_offsets[row + 1] - first;
    float* values = op.values.raw() + op.row_begin[b];
    for (std::int64_t e = 0; e < n; ++e) {
      const auto column = static_cast<std::uint32_t>(ratings.columns[first + e]);
      const auto words = philox(op.seed, RandomPurpose::kDropout, op.draw,
                                static_cast<std::uint32_t>(row), column);
      values[e] = uniform(words[0]) < op.probability ? 0 : ratings.values[first + e] * op.scale;
    }
    ones[b] = 1;
  }
}

}  // namespace hourglass::cpu
