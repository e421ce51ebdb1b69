#pragma once

#include <cstdint>
#include <span>

#include "hourglass/core/csr.h"
#include "hourglass/ops/backend.h"

namespace hourglass {

/// A sparse matrix in a backend's memory. Must not outlive the backend.
class CsrBuffer {
 public:
  /// A copy.
  CsrBuffer(Backend& backend, const CsrMatrix& matrix)
      : row_offsets_(backend, std::span<const std::int64_t>(matrix.row_offsets)),
        columns_(backend, std::span<const std::int32_t>(matrix.columns)),
        values_(backend, std::span<const float>(matrix.values)),
        ptr_{row_offsets_.ptr(), columns_.ptr(), values_.ptr(), matrix.n_rows, matrix.n_columns} {}

  /// Of a matrix that outlives it and does not change: no copy where the backend reads the host's
  /// memory.
  static CsrBuffer of_lasting(Backend& backend, const CsrMatrix& matrix) {
    if (!backend.reads_host_memory()) return {backend, matrix};
    CsrBuffer buffer;
    buffer.ptr_ = {Ptr<const std::int64_t>(matrix.row_offsets.data()),
                   Ptr<const std::int32_t>(matrix.columns.data()),
                   Ptr<const float>(matrix.values.data()), matrix.n_rows, matrix.n_columns};
    return buffer;
  }

  CsrPtr ptr() const { return ptr_; }

 private:
  CsrBuffer() = default;

  Buffer<std::int64_t> row_offsets_;
  Buffer<std::int32_t> columns_;
  Buffer<float> values_;
  CsrPtr ptr_;
};

}  // namespace hourglass
