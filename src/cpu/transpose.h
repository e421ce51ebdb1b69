#pragma once

#include "hourglass/ops/batch.h"

namespace hourglass::cpu {

/// TransposeBatch by a radix sort of (column, place in batch order).
void transpose_batch(const TransposeBatch& op);

}  // namespace hourglass::cpu
