#pragma once

#include <cstddef>
#include <span>

namespace hourglass::analysis {

/// |a - b|^2, from the differences: |a|^2 - 2 <a, b> + |b|^2 would cancel for near points.
inline double squared_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

}  // namespace hourglass::analysis
