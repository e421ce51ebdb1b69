#pragma once

#include <cstddef>

// The card that there would be: a kind's limits, so that what fits here fits there, and few
// multiprocessors, so that a grid that covers them stays small.
namespace emulator {

inline constexpr unsigned kMultiprocessors = 4;
inline constexpr unsigned kThreadsPerBlock = 1024;
inline constexpr unsigned kThreadsPerBlockZ = 64;  // x and y: as many as there may be in all
inline constexpr unsigned kGridX = 2147483647, kGridYZ = 65535;
inline constexpr std::size_t kSharedBytes = 48 << 10;  // of a block, static and dynamic

/// What kinds of cards differ in.
struct Card {
  const char* name;
  int major, minor;                            ///< its compute capability
  std::size_t shared_bytes_opt_in;             ///< of a block, with cudaFuncSetAttribute
  std::size_t shared_bytes_of_multiprocessor;  ///< of all blocks that are on one
  int threads_of_multiprocessor, blocks_of_multiprocessor;

  /// Tensor cores that take TF32 and bfloat16.
  bool has_tf32() const { return major >= 8; }
};
/// HOURGLASS_EMULATOR_CARD: sm_75, sm_80, sm_86 or, unless set, sm_90.
const Card& card();
/// HOURGLASS_EMULATOR_DEVICES: 1, the default; 0, a driver without a card; -1, no driver.
int n_devices();
/// HOURGLASS_EMULATOR_MEMORY: the card's bytes, 8 GiB unless set.
std::size_t device_bytes();

/// What cudaFuncSetAttribute allowed a kernel's blocks beyond kSharedBytes; 0 unless called.
std::size_t opted_in_shared_bytes(const void* kernel);

}  // namespace emulator
