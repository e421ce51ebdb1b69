#pragma once

#include "hourglass/ops/batch.h"

namespace hourglass::cpu {

/// TransposeBatches' batch k, by a radix sort of (column, place in batch order).
void transpose_batch(const TransposeBatches& op, std::int64_t k);

}  // namespace hourglass::cpu
