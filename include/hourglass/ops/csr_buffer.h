#pragma once

#include <cstdint>
#include <span>

#include "hourglass/core/csr.h"
#include "hourglass/ops/backend.h"

namespace hourglass {

/// A copy of a sparse matrix in a backend's memory. Must not outlive the backend.
class CsrBuffer {
 public:
  CsrBuffer(Backend& backend, const CsrMatrix& matrix)
      : n_rows_(matrix.n_rows),
        n_columns_(matrix.n_columns),
        row_offsets_(backend, std::span<const std::int64_t>(matrix.row_offsets)),
        columns_(backend, std::span<const std::int32_t>(matrix.columns)),
        values_(backend, std::span<const float>(matrix.values)) {}

  CsrPtr ptr() const {
    return {row_offsets_.ptr(), columns_.ptr(), values_.ptr(), n_rows_, n_columns_};
  }

 private:
  std::int64_t n_rows_, n_columns_;
  Buffer<std::int64_t> row_offsets_;
  Buffer<std::int32_t> columns_;
  Buffer<float> values_;
};

}  // namespace hourglass
