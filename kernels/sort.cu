// The sort of TransposeBatches, by CUB: a radix sort is no kernel of ours to write. Not by Thrust,
// which takes memory of its own and sorts by all bits of a key, up to three times as many. Alone in
// its file, since it compiles for a minute.
#include "kernels/sort.h"

#include "cuda/check.h"
#include "kernels/device.cuh"

#ifdef __CUDACC__
#include <cub/device/device_radix_sort.cuh>
#else
#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>
#endif

namespace hourglass::cuda {
namespace {

#ifdef __CUDACC__
template <class Key>
void sort(SortedPairs<Key>& pairs, std::int64_t n, int bits, void* memory, std::size_t bytes,
          cudaStream_t stream) {
  cub::DoubleBuffer<Key> keys(pairs.keys, pairs.other_keys);
  cub::DoubleBuffer<std::uint32_t> values(pairs.values, pairs.other_values);
  check(cub::DeviceRadixSort::SortPairs(memory, bytes, keys, values, n, 0, bits, stream));
  if (keys.Current() != pairs.keys) pairs.swap();
}
#else
// The emulator's: the same result, and in the other arrays, so that whoever looks into the first as
// they were sees it. All memory that it was lent is written.
template <class Key>
void sort(SortedPairs<Key>& pairs, std::int64_t n, int bits, void* memory, std::size_t bytes,
          cudaStream_t stream) {
  const SortedPairs<Key> in = pairs;
  pairs.swap();
  const auto body = [in, n, bits, memory, bytes] {
    if (bytes < 2 * static_cast<std::size_t>(n) + (512 << 10)) {
      emulator::die("sort_pairs has %zu bytes of memory for %lld pairs: too little", bytes,
                    static_cast<long long>(n));
    }
    std::memset(memory, 0xA5, bytes);
    for (std::int64_t i = 0; i < n; ++i) {
      if (bits < std::numeric_limits<Key>::digits && in.keys[i] >> bits != 0) {
        emulator::die("sort_pairs by %d bits: key %lld has more", bits, static_cast<long long>(i));
      }
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return in.keys[a] < in.keys[b]; });
    for (std::int64_t i = 0; i < n; ++i) {
      in.other_keys[i] = in.keys[order[static_cast<std::size_t>(i)]];
      in.other_values[i] = in.values[order[static_cast<std::size_t>(i)]];
    }
  };
  emulator::enqueue(stream, body, "sort_pairs");
}
#endif

}  // namespace

void sort_pairs(SortedPairs<std::uint32_t>& pairs, std::int64_t n, int bits, void* memory,
                std::size_t bytes, cudaStream_t stream) {
  sort(pairs, n, bits, memory, bytes, stream);
}

void sort_pairs(SortedPairs<std::uint64_t>& pairs, std::int64_t n, int bits, void* memory,
                std::size_t bytes, cudaStream_t stream) {
  sort(pairs, n, bits, memory, bytes, stream);
}

}  // namespace hourglass::cuda
