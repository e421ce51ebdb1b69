#pragma once

#include <cstddef>

namespace emulator {

/// A flow of control with a stack of its own.
struct Fiber {
  void* stack_pointer = nullptr;  ///< where it goes on, while another runs
  void* stack = nullptr;          ///< its lowest byte; a page below is out of bounds
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  ///< AddressSanitizer's
};

/// Of a kernel's frames: the locals of all its branches lie in them at once. What is not touched
/// costs nothing.
inline constexpr std::size_t kStackBytes = 256 << 10;

/// The flow of control that this host thread is in. Its stack is known, for AddressSanitizer.
Fiber host_fiber();

/// With a stack, to be armed. Fibers live until the program ends.
Fiber* make_fiber();

/// Its next turn begins with `entry`, which must leave by switch_fiber and never return.
void arm(Fiber& fiber, void (*entry)());

/// Goes on with `to`; returns when something switches back to `from`. Never returns where `from` is
/// finished.
void switch_fiber(Fiber& from, Fiber& to, bool from_is_finished);

/// The first call in an entry: the switch that began this turn is over.
void begin_turn();

/// Whether the address lies in the page below a fiber's stack.
bool below_a_stack(const void* address);

}  // namespace emulator
