#include "cpu/core_spread.h"

#include <sched.h>

namespace hourglass::cpu {
namespace {

// A move takes some ten microseconds. Where there is no better place (other programs have the
// cores) it must not be made over and over.
constexpr int kCallsBetweenMoves = 256;

}  // namespace

void CoreSpread::come(int thread) {
  Place& here = places_[static_cast<std::size_t>(thread)];
  const int core = ::sched_getcpu();
  // Written when it changes: the others read it, at every job.
  if (here.core.load(std::memory_order_relaxed) != core) {
    here.core.store(core, std::memory_order_relaxed);
  }
  if (here.calls_to_skip > 0) {
    --here.calls_to_skip;
  } else if (core >= 0 && is_taken(core, thread)) {
    move_from_others(thread);
    here.calls_to_skip = kCallsBetweenMoves;
  }
}

/// By a thread of a lower number: of two that meet, one moves.
bool CoreSpread::is_taken(int core, int thread) const {
  for (int t = 0; t < thread; ++t) {
    if (places_[static_cast<std::size_t>(t)].core.load(std::memory_order_relaxed) == core) {
      return true;
    }
  }
  return false;
}

void CoreSpread::move_from_others(int thread) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return;  // more than CPU_SETSIZE cores
  cpu_set_t free = allowed;
  for (const Place& place : places_) {
    const int core = place.core.load(std::memory_order_relaxed);
    if (core >= 0) CPU_CLR(core, &free);
  }
  if (CPU_COUNT(&free) == 0) return;
  // The first call moves the thread before it returns; the second lets it go where it likes.
  if (::sched_setaffinity(0, sizeof(free), &free) == 0) {
    ::sched_setaffinity(0, sizeof(allowed), &allowed);
    places_[static_cast<std::size_t>(thread)].core.store(::sched_getcpu(),
                                                         std::memory_order_relaxed);
  }
}

}  // namespace hourglass::cpu
