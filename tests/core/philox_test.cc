#include "hourglass/core/philox.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hourglass {
namespace {

// Random123's known answers (its tests/kat_vectors, philox4x32 10).
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_EQ(philox(0, RandomPurpose{0}, 0, 0, 0),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~std::uint64_t{0}, RandomPurpose{~0U}, ~0U, ~0U, ~0U),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(PhiloxTest, ABlockIsItsColumns) {
  PhiloxBlock block;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{42}, 0xFEDCBA9876543210U}) {
    for (const std::uint32_t first : {0U, 64U, 1'000'003U, 0xFFFFFFF0U}) {  // the last wraps round
      philox_block(seed, RandomPurpose::kMask, 7, 0xABCDEF01U, first, block);
      for (std::uint32_t i = 0; i < kPhiloxBlock; ++i) {
        const auto want = philox(seed, RandomPurpose::kMask, 7, 0xABCDEF01U, first + i);
        for (std::size_t word = 0; word < 4; ++word) ASSERT_EQ(block[word][i], want[word]);
      }
    }
  }
}

}  // namespace
}  // namespace hourglass
