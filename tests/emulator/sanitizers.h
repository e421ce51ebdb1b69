#pragma once

#include <cstddef>

// What the sanitizer that this program was built with, if any, is told of the device's memory.
namespace emulator {

/// Whether an access to a byte that was forbidden ends the program.
bool can_forbid_access();
/// Under AddressSanitizer, nobody may read or write these bytes until they are allowed again.
void forbid_access(const void* begin, std::size_t bytes);
void allow_access(const void* begin, std::size_t bytes);

/// MemorySanitizer's reports begin where a branch or a result depends on what was never written.
void mark_uninitialised(const void* begin, std::size_t bytes);
void mark_initialised(const void* begin, std::size_t bytes);
/// The first byte that was never written, as an index; -1 where there is none, or nobody tracks it.
std::ptrdiff_t first_uninitialised(const void* begin, std::size_t bytes);

/// AddressSanitizer is told of every change of stacks: before it (where the context that is left is
/// finished, its `fake_stack` is null) and, on the new stack, after it.
void before_stack_switch(void** fake_stack, const void* stack, std::size_t bytes);
void after_stack_switch(void* fake_stack);

}  // namespace emulator
