#pragma once

#include <cstdint>

#include "hourglass/ops/batch.h"

namespace hourglass::cpu {

/// Batch rows [begin, end) of DropoutInput.
void dropout_input(const DropoutInput& op, std::int64_t begin, std::int64_t end);

}  // namespace hourglass::cpu
