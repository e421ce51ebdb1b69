#pragma once

#include "hourglass/ops/batch.h"
#include "kernels/device.cuh"

namespace hourglass::cuda {

/// The first of ids[first .. last) that is not below `column`, or last.
__device__ inline std::int32_t find_column(Ptr<const std::int32_t> ids, std::int32_t first,
                                           std::int32_t last, std::int64_t column) {
  while (first < last) {
    const std::int32_t middle = first + (last - first) / 2;
    if (ids[middle] < column) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

/// Where a column's ratings are among the entries of a batch.
struct ColumnRatings {
  std::int64_t first = 0;
  int count = 0;

  /// `place`: what find_column() gave, of n_ids columns that occur.
  static __device__ ColumnRatings at(const BatchColumns& columns, std::int32_t n_ids,
                                     std::int32_t place, std::int64_t column) {
    if (place >= n_ids || columns.ids[place] != column) return {};
    const std::int64_t first = columns.begin[place];
    return {first, static_cast<int>(columns.begin[place + 1] - first)};
  }
};

}  // namespace hourglass::cuda
