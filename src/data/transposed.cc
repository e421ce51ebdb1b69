#include "hourglass/data/transposed.h"

#include <cstddef>
#include <vector>

namespace hourglass {

CsrMatrix transposed(const CsrMatrix& matrix) {
  CsrMatrix result;
  result.n_rows = matrix.n_columns;
  result.n_columns = matrix.n_rows;
  const auto n_rows = static_cast<std::size_t>(result.n_rows);
  std::vector<std::int64_t> begin(n_rows + 1);
  for (const std::int32_t column : matrix.columns) ++begin[static_cast<std::size_t>(column) + 1];
  for (std::size_t i = 1; i <= n_rows; ++i) begin[i] += begin[i - 1];
  result.row_offsets = begin;
  result.columns.resize(matrix.columns.size());
  result.values.resize(matrix.values.size());
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const auto first = static_cast<std::size_t>(matrix.row_offsets[static_cast<std::size_t>(row)]);
    const auto end = first + static_cast<std::size_t>(matrix.row_length(row));
    for (std::size_t i = first; i < end; ++i) {
      const auto to =
          static_cast<std::size_t>(begin[static_cast<std::size_t>(matrix.columns[i])]++);
      result.columns[to] = static_cast<std::int32_t>(row);
      result.values[to] = matrix.values[i];
    }
  }
  return result;
}

}  // namespace hourglass
