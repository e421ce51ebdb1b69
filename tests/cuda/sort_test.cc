// What the emulator's stand-in for CUB refuses: what would be wrong on a card, and there alone.
#include "kernels/sort.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulator/device_array.h"

namespace hourglass::cuda {
namespace {

using emulator::DeviceArray;

constexpr std::size_t kPlenty = (std::size_t{512} << 10) + 2 * 3;

template <class Key>
void sort_three(int bits, std::size_t lent, std::size_t said) {
  const DeviceArray<Key> keys(std::vector<Key>{5, 3, 7}), other_keys(3);
  const DeviceArray<std::uint32_t> values(std::vector<std::uint32_t>{50, 30, 70}), other_values(3);
  SortedPairs<Key> pairs = {keys.get(), other_keys.get(), values.get(), other_values.get()};
  const DeviceArray<char> memory(lent);
  sort_pairs(pairs, 3, bits, memory.get(), said, nullptr);
  std::vector<Key> sorted(3);
  cudaMemcpy(sorted.data(), pairs.keys, 3 * sizeof(Key), cudaMemcpyDeviceToHost);
  EXPECT_EQ(sorted, (std::vector<Key>{3, 5, 7}));
}

TEST(SortDeathTest, NeedsTheBitsOfAllKeysAndItsMemory) {
  sort_three<std::uint32_t>(3, kPlenty, kPlenty);
  sort_three<std::uint32_t>(32, kPlenty, kPlenty);
  sort_three<std::uint64_t>(64, kPlenty, kPlenty);
  EXPECT_DEATH(sort_three<std::uint32_t>(2, kPlenty, kPlenty), "by 2 bits: key 0 has more");
  EXPECT_DEATH(sort_three<std::uint64_t>(2, kPlenty, kPlenty), "by 2 bits: key 0 has more");
  EXPECT_DEATH(sort_three<std::uint32_t>(3, kPlenty, kPlenty - 1), "for 3 pairs: too little");
  // AddressSanitizer has other words for it.
  EXPECT_DEATH(sort_three<std::uint32_t>(3, kPlenty - 1, kPlenty), "somebody wrote|Sanitizer");
}

}  // namespace
}  // namespace hourglass::cuda
