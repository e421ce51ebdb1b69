#pragma once

#include <cstdint>

namespace hourglass::cpu {

/// What the kernels have done, for bench/instructions: no clock, and the same on every run. Only a
/// build of its own counts (HOURGLASS_COUNT_WORK), on one thread; in any other, counting is
/// nothing.
struct Work {
  std::int64_t tiles = 0;          ///< of products
  std::int64_t multiply_adds = 0;  ///< vectors of them, in those tiles
  std::int64_t adam_steps = 0;     ///< vectors of parameters
  std::int64_t packed = 0;         ///< vectors of units, packed or unpacked
  std::int64_t bytes = 0;          ///< that those four read and wrote, cached or not
};

#ifdef HOURGLASS_COUNT_WORK
inline Work work;
inline void count_work(const Work& more) {
  work.tiles += more.tiles;
  work.multiply_adds += more.multiply_adds;
  work.adam_steps += more.adam_steps;
  work.packed += more.packed;
  work.bytes += more.bytes;
}
#else
inline void count_work(const Work&) {}
#endif

}  // namespace hourglass::cpu
