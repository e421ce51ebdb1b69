// What GCC's -fsanitize=thread makes of a kernel's reads and writes: calls, which are answered here
// in place of ThreadSanitizer's own library. A program that is linked with this file has the race
// detector on; only kernels are to be compiled with the option.
#include <cstddef>

#include "emulator/race_detector.h"

namespace {

const bool turned_on = emulator::races::on = true;

[[gnu::always_inline]] inline void read(const void* address, std::size_t bytes) {
  emulator::races::access(emulator::races::Access::kRead, address, bytes,
                          __builtin_return_address(0));
}
[[gnu::always_inline]] inline void write(const void* address, std::size_t bytes) {
  emulator::races::access(emulator::races::Access::kWrite, address, bytes,
                          __builtin_return_address(0));
}

}  // namespace

extern "C" {

void __tsan_init() {}
// Of the host's code in a kernel's file.
void __tsan_vptr_update(void**, void*) {}

void __tsan_read1(const void* address) { read(address, 1); }
void __tsan_read2(const void* address) { read(address, 2); }
void __tsan_read4(const void* address) { read(address, 4); }
void __tsan_read8(const void* address) { read(address, 8); }
void __tsan_read16(const void* address) { read(address, 16); }
void __tsan_unaligned_read2(const void* address) { read(address, 2); }
void __tsan_unaligned_read4(const void* address) { read(address, 4); }
void __tsan_unaligned_read8(const void* address) { read(address, 8); }
void __tsan_unaligned_read16(const void* address) { read(address, 16); }
void __tsan_read_range(const void* address, std::size_t bytes) { read(address, bytes); }

void __tsan_write1(const void* address) { write(address, 1); }
void __tsan_write2(const void* address) { write(address, 2); }
void __tsan_write4(const void* address) { write(address, 4); }
void __tsan_write8(const void* address) { write(address, 8); }
void __tsan_write16(const void* address) { write(address, 16); }
void __tsan_unaligned_write2(const void* address) { write(address, 2); }
void __tsan_unaligned_write4(const void* address) { write(address, 4); }
void __tsan_unaligned_write8(const void* address) { write(address, 8); }
void __tsan_unaligned_write16(const void* address) { write(address, 16); }
void __tsan_write_range(const void* address, std::size_t bytes) { write(address, bytes); }

}  // extern "C"
