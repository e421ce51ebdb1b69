#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace hourglass::cpu {

/// Keeps the threads of a pool on different cores. The kernel wakes a thread on the core of the one
/// that woke it where it takes their caches to be apart, and leaves both there as long as they take
/// turns every few microseconds: two threads then train no faster than one, for seconds. A thread
/// that finds itself where another one is moves away, and is free to go anywhere afterwards:
/// nothing is pinned, so that other programs' threads find their place as before.
class CoreSpread {
 public:
  explicit CoreSpread(int n_threads) : places_(static_cast<std::size_t>(n_threads)) {}

  /// Called by each thread at the start of its work. Costs nanoseconds, unless it has to move.
  void come(int thread);

 private:
  struct alignas(64) Place {
    std::atomic<int> core{-1};
    int calls_to_skip = 0;
  };
  bool is_taken(int core, int thread) const;
  void move_from_others(int thread);

  std::vector<Place> places_;
};

}  // namespace hourglass::cpu
