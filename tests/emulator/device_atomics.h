#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

// Atomics under CUDA's names: relaxed, as they are on a card. What else a thread wrote is seen by
// whoever sees its atomic only behind __threadfence().
namespace emulator {

/// Tells the race detector of an atomic of the running thread, and of its fence.
void note_atomic(const void* address, std::size_t bytes);
void note_fence();

/// Puts change(old) in place of the old value, which it returns. Threads take turns at barriers and
/// nowhere else, so that nothing comes between.
template <class T, class Change>
__attribute__((no_sanitize("thread"))) T read_and_change(T* address, Change change) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  note_atomic(address, sizeof(T));
  const T old = *address;
  *address = change(old);
  return old;
}

}  // namespace emulator

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return emulator::read_and_change(address, [value](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return emulator::read_and_change(address, [value](T old) { return old > value ? old : value; });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return emulator::read_and_change(address, [value](T old) { return old < value ? old : value; });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return emulator::read_and_change(address, [value](T) { return value; });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return emulator::read_and_change(
      address, [expected, value](T old) { return old == expected ? value : old; });
}

inline void __threadfence() { emulator::note_fence(); }
