#pragma once

#include <span>
#include <vector>

// Bugs of every kind that the emulator must find, each in a piece of code that is right without it.
namespace planted {

struct Bug {
  const char* name;
  bool (*run)(bool planted);  ///< false where the result is wrong
};

inline bool all_are(const std::vector<float>& values, float want) {
  for (const float x : values) {
    if (!(x == want)) return false;  // NaN differs
  }
  return true;
}

std::span<const Bug> bugs_of_blocks();   ///< barriers, warps, races
std::span<const Bug> bugs_of_memory();   ///< bounds, lifetime, initialisation
std::span<const Bug> bugs_of_streams();  ///< what the host does too early, or not at all

}  // namespace planted
