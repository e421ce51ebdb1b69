#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hourglass {

/// A dense matrix in another's memory, row-major: codes (float), scores of a PCA (double).
template <class T>
struct DenseView {
  std::span<const T> values;  ///< [n_rows, n_columns]
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;

  std::span<const T> row(std::int64_t i) const {
    return values.subspan(static_cast<std::size_t>(i * n_columns),
                          static_cast<std::size_t>(n_columns));
  }
};

}  // namespace hourglass
