#pragma once

// HOURGLASS_EMULATOR_SEED=n: blocks, threads, resumed threads and streams take their turns in an
// order that n decides. Unset or 0: first come, first served.
namespace emulator {

unsigned long long order_seed();
inline bool random_order() { return order_seed() != 0; }

/// A number below n, the seed's next.
unsigned random_below(unsigned n);

}  // namespace emulator
