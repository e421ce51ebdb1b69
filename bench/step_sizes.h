#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "hourglass/core/csr.h"

namespace hourglass::bench {

/// What a step has to do with, means over batches in a row.
struct StepSizes {
  double rows = 0, ratings = 0;
  double touched = 0;    ///< columns that occur
  double caught_up = 0;  ///< of them, those that did not occur in the batch before
};
/// Of the first n_batches of an epoch in this order.
StepSizes step_sizes(const CsrMatrix& ratings, std::span<const std::int32_t> order,
                     std::int64_t batch, std::int64_t n_batches);

nlohmann::json to_json(const StepSizes& sizes);

}  // namespace hourglass::bench
