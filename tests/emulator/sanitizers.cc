#include "emulator/sanitizers.h"

#ifndef __has_feature  // GCC 12 has none, and names its sanitizers by macros
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define EMULATOR_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif __has_feature(memory_sanitizer)
#define EMULATOR_MEMORY_SANITIZER
#include <sanitizer/msan_interface.h>

// The host's code and the C++ library are not instrumented: what they write would still count as
// never written. Only what the emulator marks, device and shared memory, does.
extern "C" const char* __msan_default_options() {
  return "poison_in_malloc=0:poison_in_free=0:exitcode=86";
}
#endif

namespace emulator {

#ifdef EMULATOR_ADDRESS_SANITIZER

bool can_forbid_access() { return true; }
void forbid_access(const void* begin, std::size_t bytes) {
  __asan_poison_memory_region(begin, bytes);
}
void allow_access(const void* begin, std::size_t bytes) {
  __asan_unpoison_memory_region(begin, bytes);
}
void before_stack_switch(void** fake_stack, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
}
void after_stack_switch(void* fake_stack) {
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

#else

bool can_forbid_access() { return false; }
void forbid_access(const void*, std::size_t) {}
void allow_access(const void*, std::size_t) {}
void before_stack_switch(void**, const void*, std::size_t) {}
void after_stack_switch(void*) {}

#endif
#ifdef EMULATOR_MEMORY_SANITIZER

void mark_uninitialised(const void* begin, std::size_t bytes) { __msan_poison(begin, bytes); }
void mark_initialised(const void* begin, std::size_t bytes) { __msan_unpoison(begin, bytes); }
std::ptrdiff_t first_uninitialised(const void* begin, std::size_t bytes) {
  return __msan_test_shadow(begin, bytes);
}

#else

void mark_uninitialised(const void*, std::size_t) {}
void mark_initialised(const void*, std::size_t) {}
std::ptrdiff_t first_uninitialised(const void*, std::size_t) { return -1; }

#endif

}  // namespace emulator
