#include "emulator/random_order.h"

#include <cstdint>
#include <cstdio>

#include "emulator/report.h"

namespace emulator {

unsigned long long order_seed() {
  static const unsigned long long seed = [] {
    const long long value = setting("HOURGLASS_EMULATOR_SEED", 0, 0);
    // A test that fails does not tell of the seed that it fails with.
    if (value != 0) std::fprintf(stderr, "emulator: HOURGLASS_EMULATOR_SEED=%lld\n", value);
    return static_cast<unsigned long long>(value);
  }();
  return seed;
}

unsigned random_below(unsigned n) {
  static std::uint64_t state = order_seed();
  // splitmix64 (Steele, Lea and Flood, 2014): any seed will do.
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  z ^= z >> 31;
  return static_cast<unsigned>((z >> 32) * n >> 32);
}

}  // namespace emulator
