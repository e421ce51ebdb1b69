#pragma once

#include <cstddef>
#include <cstdint>

// Finds pairs of accesses of two threads of a launch to the same bytes, one of them a write, that
// nothing orders: whether or not this run had them in a harmful order. What orders them, in CUDA's
// memory model, is
//   - a barrier of the block, and __syncwarp of lanes that both name;
//   - an atomic behind a __threadfence(), seen by an atomic before a __threadfence() of the
//   reader's
//     (or of a thread that a barrier then orders before the reader).
// Shuffles and votes order nothing, and neither do atomics alone. Atomics do not race with each
// other.
//
// The accesses are told by the calls that GCC's -fsanitize=thread compiles into kernels. Its own
// library would follow 255 threads at most, or take milliseconds for each; here a launch may have
// any number.
//
// Not found: races between launches (the random order of streams is for them); of two bytes of one
// word that are written by different threads, all but the last; of many concurrent readers of a
// word, all but two, which are of different blocks or warps where there are such.
namespace emulator::races {

/// Whether the kernels of this program tell of their accesses.
extern bool on;

/// Of this memory the accesses are looked at: the device's, and the block's shared memory.
void watch(const void* begin, std::size_t bytes);
/// Nobody has accessed these bytes yet.
void forget(const void* begin, std::size_t bytes);

void begin_launch(std::uint64_t n_blocks);
void begin_block(std::uint64_t number, unsigned n_threads);
/// All threads of the block have come to its barrier.
void block_synchronised();
/// The lanes of the mask have come to a __syncwarp.
void warp_synchronised(unsigned warp, unsigned mask);
/// The running thread's __threadfence().
void fence();

enum class Access { kRead, kWrite, kAtomic };
/// The running thread's, by the code at `code`; nothing where none runs. Ends the program where it
/// races with an earlier one.
void access(Access kind, const void* address, std::size_t bytes, const void* code);

}  // namespace emulator::races
