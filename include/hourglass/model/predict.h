#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/model_file.h"
#include "hourglass/ops/backend.h"

namespace hourglass {

/// The network's outputs for these rows of `ratings`, in that order: [rows.size() x n_columns],
/// row-major. A row may come twice. The columns of `ratings` must be the model's, position by
/// position. Throws Error where their number is not, std::out_of_range for a row that is not there.
std::vector<float> predict(Backend& backend, const Model& model, const CsrMatrix& ratings,
                           std::span<const std::int32_t> rows);

}  // namespace hourglass
