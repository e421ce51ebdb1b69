#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace hourglass::cuda {

/// Keys and what goes with them, each array twice: a sort goes back and forth between the two, and
/// leaves the result in the first.
template <class Key>
struct SortedPairs {
  Key* keys;
  Key* other_keys;
  std::uint32_t* values;
  std::uint32_t* other_values;

  void swap() {
    std::swap(keys, other_keys);
    std::swap(values, other_values);
  }
};

/// Sorts n pairs by the lowest `bits` of their keys, equal ones in the order they were in; the rest
/// of a key is 0. `memory` [bytes] is the sort's for that time: 2 bytes a pair and 512 KiB are
/// plenty.
void sort_pairs(SortedPairs<std::uint32_t>& pairs, std::int64_t n, int bits, void* memory,
                std::size_t bytes, cudaStream_t stream);
void sort_pairs(SortedPairs<std::uint64_t>& pairs, std::int64_t n, int bits, void* memory,
                std::size_t bytes, cudaStream_t stream);

}  // namespace hourglass::cuda
