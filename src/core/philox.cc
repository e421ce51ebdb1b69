#include "hourglass/core/philox.h"

#include <Random123/philox.h>

namespace hourglass {

std::array<std::uint32_t, 4> philox(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step,
                                    std::uint32_t row, std::uint32_t column) {
  const r123::Philox4x32 generator;
  const r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(purpose), step, row, column}};
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const auto words = generator(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

}  // namespace hourglass
