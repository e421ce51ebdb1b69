#pragma once

#include <cstdint>

namespace emulator {

/// What the program has asked of the runtime so far. A test takes a mark, and looks at what has
/// come since: `counters() - mark`.
struct Counters {
  /// Calls in which the host waits for the device, or may: of a stream, an event, the device;
  /// copies that are not asynchronous, be it for pageable memory; what frees memory.
  std::int64_t host_synchronisations = 0;
  std::int64_t allocations = 0;       ///< of device and of pinned memory
  std::int64_t kernel_launches = 0;   ///< into a stream; one that is captured is none
  std::int64_t library_launches = 0;  ///< the same of cuBLAS, and of emulator::enqueue
  std::int64_t copies = 0;            ///< and fills, the same
  std::int64_t graph_launches = 0;
  std::int64_t graph_instantiations = 0;  ///< which take memory, and milliseconds
};

Counters counters();

inline Counters operator-(Counters a, const Counters& b) {
  a.host_synchronisations -= b.host_synchronisations;
  a.allocations -= b.allocations;
  a.kernel_launches -= b.kernel_launches;
  a.library_launches -= b.library_launches;
  a.copies -= b.copies;
  a.graph_launches -= b.graph_launches;
  a.graph_instantiations -= b.graph_instantiations;
  return a;
}

}  // namespace emulator
