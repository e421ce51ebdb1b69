#pragma once

#include <cstdint>

#include "emulator/report.h"

namespace emulator {

inline constexpr unsigned kLanes = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

class Block;
struct Thread;

/// What the lanes of a warp meet in.
enum class Collective { kSync, kShuffle, kVote, kReduce, kMatrix };

/// What each lane of a collective sees: the values that the lanes of `mask` brought.
struct Exchange {
  unsigned mask;
  const std::uint64_t* values;  ///< of lane i; to be read before this thread waits again
};

/// 32 threads of a block, and the collectives that some of them are waiting in.
class Warp {
 public:
  void begin() { in_use_ = exited_ = 0; }

  /// Brings `value` to the collective of the lanes in `mask`, and waits for the others. Ends the
  /// program where CUDA says that the result is undefined: where the caller is not in the mask,
  /// where a lane of it has exited or has come to something else, or where two masks overlap.
  Exchange meet(Block& block, Collective collective, unsigned mask, std::uint64_t value, Site site);

  /// Ends the program where others wait for this lane.
  void exit(unsigned lane);

  /// For a report of a deadlock: calls show(mask, arrived, site) for each that is incomplete.
  template <class Show>
  void each_incomplete(Show show) const {
    for (unsigned i = 0; i < kLanes; ++i) {
      const Meeting& m = meetings_[i];
      if ((in_use_ >> i & 1) != 0 && m.arrived != m.mask) show(m.mask, m.arrived, m.site);
    }
  }

 private:
  struct Meeting {
    Collective collective;
    unsigned mask, arrived, still_here;
    Site site;
    std::uint64_t values[kLanes];
  };

  Meeting& find_or_begin(Collective collective, unsigned mask, Site site);

  // No lane is in two, so there are never more.
  Meeting meetings_[kLanes];
  unsigned in_use_ = 0;  ///< bit i: meetings_[i]
  unsigned exited_ = 0;  ///< bit i: lane i
};

}  // namespace emulator
