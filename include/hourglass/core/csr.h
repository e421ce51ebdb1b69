#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hourglass {

/// A sparse matrix in host memory, compressed by row. Within a row the columns ascend strictly.
struct CsrMatrix {
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  std::vector<std::int64_t> row_offsets = {0};  ///< [n_rows + 1]
  std::vector<std::int32_t> columns;            ///< [row_offsets[n_rows]]
  std::vector<float> values;                    ///< [row_offsets[n_rows]]

  std::int64_t n_entries() const { return row_offsets.back(); }
  /// The share of the cells that have an entry. There must be a cell.
  double density() const {
    return static_cast<double>(n_entries()) /
           (static_cast<double>(n_rows) * static_cast<double>(n_columns));
  }
  std::int64_t row_length(std::int64_t row) const {
    return row_offsets[static_cast<std::size_t>(row) + 1] -
           row_offsets[static_cast<std::size_t>(row)];
  }
  std::span<const std::int32_t> row_columns(std::int64_t row) const { return of_row(columns, row); }
  std::span<const float> row_values(std::int64_t row) const { return of_row(values, row); }

  bool operator==(const CsrMatrix&) const = default;

 private:
  template <class T>
  std::span<const T> of_row(const std::vector<T>& entries, std::int64_t row) const {
    const auto begin = static_cast<std::size_t>(row_offsets[static_cast<std::size_t>(row)]);
    return std::span(entries).subspan(begin, static_cast<std::size_t>(row_length(row)));
  }
};

}  // namespace hourglass
