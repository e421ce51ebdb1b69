#pragma once

#include <cstdint>
#include <span>

#include "hourglass/core/csr.h"

namespace hourglass {

/// These rows of `ratings`, in that order, as a matrix of their own. A row may come twice.
CsrMatrix select_rows(const CsrMatrix& ratings, std::span<const std::int32_t> rows);

}  // namespace hourglass
