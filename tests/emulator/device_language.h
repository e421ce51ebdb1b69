#pragma once

#include <cuda_runtime.h>
#include <device_launch_parameters.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "emulator/operand_rounding.h"
#include "emulator/report.h"

// What nvcc knows and the toolkit's headers do not define for a C++ compiler: shared memory, and
// how threads meet. Every meeting takes, by default, the place that it is called from: for
// messages, and since all must come to the same one. What is missing here is not modelled, and does
// not compile.
namespace emulator {

/// The block's array that is known by `key`.
void* shared_array(const void* key, std::size_t bytes);
/// The launch's dynamic shared memory.
void* dynamic_shared();

struct Votes {
  int in_favour, in_all;
};
/// A barrier of the block's threads that have not exited.
Votes meet_block(bool vote, Site site);

/// What the lanes of `mask` bring to a meeting of theirs: values[i] is lane i's, to be read at
/// once.
struct Brought {
  unsigned mask;
  const std::uint64_t* values;
};
void synchronise_warp(unsigned mask, Site site);
Brought bring_vote(unsigned mask, bool vote, Site site);
Brought bring_number(unsigned mask, std::uint32_t number, Site site);

/// A product of small matrices by the lanes of a warp, whose elements lie among them as PTX's
/// mma.m16n8k8 has it for TF32: sum [16 x 8] += left [16 x 8] right [8 x 8]. Ends the program on a
/// card without, and where an operand is no TF32 number, since cards do not agree on what they make
/// of its other bits.
void multiply_tf32(float (&sum)[4], const float (&left)[4], const float (&right)[2],
                   Site site = {__builtin_FILE(), __builtin_LINE()});

/// The value of the lane `source` of the caller's segment of `width` lanes, the caller's own where
/// that lies outside of it.
std::uint64_t shuffle(unsigned mask, std::uint64_t value, int source, int width, Site site);
/// The caller's place in its segment of `width` lanes.
int lane_of(int width);

template <class T>
T shuffled(unsigned mask, T value, int source, int width, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle(mask, bits, source, width, site);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace emulator

#define __launch_bounds__(...)

#define SHARED_ARRAY(T, name, dims)                 \
  using emulated_type_##name = T dims;              \
  static const char emulated_key_##name = 0;        \
  auto& name = *static_cast<emulated_type_##name*>( \
      emulator::shared_array(&emulated_key_##name, sizeof(emulated_type_##name)))
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(emulator::dynamic_shared())

inline void __syncthreads(emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  emulator::meet_block(false, site);
}
inline int __syncthreads_count(int predicate,
                               emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return emulator::meet_block(predicate != 0, site).in_favour;
}
inline int __syncthreads_or(int predicate,
                            emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return emulator::meet_block(predicate != 0, site).in_favour > 0;
}
inline int __syncthreads_and(int predicate,
                             emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  const emulator::Votes votes = emulator::meet_block(predicate != 0, site);
  return votes.in_favour == votes.in_all;
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  emulator::synchronise_warp(mask, site);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return emulator::shuffled(mask, value, source & (width - 1), width, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32,
                 emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  const int source = emulator::lane_of(width) - static_cast<int>(distance);
  return emulator::shuffled(mask, value, source, width, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32,
                   emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  const int source = emulator::lane_of(width) + static_cast<int>(distance);
  return emulator::shuffled(mask, value, source, width, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int distance, int width = 32,
                  emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return emulator::shuffled(mask, value, emulator::lane_of(width) ^ distance, width, site);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  const emulator::Brought votes = emulator::bring_vote(mask, predicate != 0, site);
  unsigned ballot = 0;
  for (unsigned i = 0; i < 32; ++i) {
    if ((votes.mask >> i & 1) != 0 && votes.values[i] != 0) ballot |= 1U << i;
  }
  return ballot;
}
inline int __any_sync(unsigned mask, int predicate,
                      emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  return __ballot_sync(mask, predicate == 0, site) == 0;
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  emulator::Site site = {__builtin_FILE(), __builtin_LINE()}) {
  const emulator::Brought numbers = emulator::bring_number(mask, value, site);
  unsigned sum = 0;
  for (unsigned i = 0; i < 32; ++i) {
    if ((numbers.mask >> i & 1) != 0) sum += static_cast<unsigned>(numbers.values[i]);
  }
  return sum;
}
