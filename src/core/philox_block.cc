#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/philox_block.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "hourglass/core/philox.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass {
namespace HWY_NAMESPACE {

// The algorithm of Random123's philox.h, its loop over the columns innermost: a compiler makes vectors
// of it, and integers are the same in any.
void philox_block(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step, std::uint32_t row,
                  std::uint32_t first_column, PhiloxBlock& out) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  auto& [c0, c1, c2, c3] = out;
  for (std::uint32_t i = 0; i < kPhiloxBlock; ++i) {
    c0[i] = static_cast<std::uint32_t>(purpose);
    c1[i] = step;
    c2[i] = row;
    c3[i] = first_column + i;
  }
  auto k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round, k0 += kWeyl0, k1 += kWeyl1) {
    for (std::uint32_t i = 0; i < kPhiloxBlock; ++i) {
      const std::uint64_t p0 = kMultiplier0 * c0[i], p1 = kMultiplier1 * c2[i];
      c0[i] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
      c2[i] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = static_cast<std::uint32_t>(p1);
      c3[i] = static_cast<std::uint32_t>(p0);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass {

HWY_EXPORT(philox_block);

void philox_block(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step, std::uint32_t row,
                  std::uint32_t first_column, PhiloxBlock& out) {
  HWY_DYNAMIC_DISPATCH(philox_block)(seed, purpose, step, row, first_column, out);
}

}  // namespace hourglass
#endif  // HWY_ONCE
