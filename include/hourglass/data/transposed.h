#pragma once

#include "hourglass/core/csr.h"

namespace hourglass {

/// Rows become columns. There must be no more rows than int32 can number (the readers see to it).
CsrMatrix transposed(const CsrMatrix& matrix);

}  // namespace hourglass
