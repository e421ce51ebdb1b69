#pragma once

#include <cstdint>

#include "kernels/quads.cuh"

// Sums over rows, sum_e weight(e) row(e)[c], e in [0, n): a row's ratings times rows of weights, a
// column's times rows of gradients. A block takes one slice of c. Its threads, blockDim (vectors,
// kGroups), are kGroups groups: a thread takes four neighbouring c, its group every n_groups-th e,
// and what each group has is added in the groups' order. Who adds what depends on e and n alone.
namespace hourglass::cuda {

/// How a row of `width` floats is cut among blocks: into cache lines; the last slice takes what is
/// left over, so that width 129 makes no slice of one float.
struct Slices {
  static constexpr unsigned kVectors = 8;  ///< vectors of four floats a slice: 128 bytes
  static constexpr unsigned kMaxVectors = 2 * kVectors - 1;
  static constexpr unsigned kFloats = 4 * kVectors;

  unsigned count;   ///< at least 1
  unsigned widest;  ///< vectors of the last slice; at least 1

  explicit constexpr Slices(std::int64_t width) {
    const auto vectors = static_cast<unsigned>((width + 3) / 4);
    count = vectors / kVectors > 1 ? vectors / kVectors : 1;
    widest = vectors > 0 ? vectors - (count - 1) * kVectors : 1;
  }
};

/// The place in its row of float `of_slice` of a slice; -1 where it is another slice's or nobody's.
__device__ inline int place_in_row(unsigned slice, unsigned n_slices, unsigned of_slice,
                                   std::int64_t width) {
  const unsigned c = slice * Slices::kFloats + of_slice;
  const bool mine = of_slice < Slices::kFloats || slice + 1 == n_slices;
  return mine && c < width ? static_cast<int>(c) : -1;
}

/// A group's share of the sum, of four c: the rows group, group + n_groups, ..., in that order.
/// row(e) points to the four floats. kAtOnce rows are in flight; n < 2^31.
template <unsigned kAtOnce, class Row, class Weight>
__device__ inline float4 share_of_sum(unsigned n, unsigned group, unsigned n_groups, const Row& row,
                                      const Weight& weight) {
  float4 sum = {};
  for (unsigned first = group; first < n; first += kAtOnce * n_groups) {
    float4 rows[kAtOnce];
    float weights[kAtOnce];
#pragma unroll
    for (unsigned k = 0; k < kAtOnce; ++k) {
      const unsigned e = first + k * n_groups;
      rows[k] = e < n ? load4(row(e)) : float4{};
      weights[k] = e < n ? weight(e) : 0;
    }
#pragma unroll
    for (unsigned k = 0; k < kAtOnce; ++k) add_product(weights[k], rows[k], sum);
  }
  return sum;
}

}  // namespace hourglass::cuda
