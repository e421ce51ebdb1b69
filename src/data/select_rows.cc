#include "hourglass/data/select_rows.h"

#include <cstddef>

namespace hourglass {

CsrMatrix select_rows(const CsrMatrix& ratings, std::span<const std::int32_t> rows) {
  CsrMatrix selected;
  selected.n_rows = static_cast<std::int64_t>(rows.size());
  selected.n_columns = ratings.n_columns;
  selected.row_offsets.reserve(rows.size() + 1);
  for (const std::int32_t row : rows) {
    const auto columns = ratings.row_columns(row);
    const auto values = ratings.row_values(row);
    selected.columns.insert(selected.columns.end(), columns.begin(), columns.end());
    selected.values.insert(selected.values.end(), values.begin(), values.end());
    selected.row_offsets.push_back(static_cast<std::int64_t>(selected.columns.size()));
  }
  return selected;
}

}  // namespace hourglass
