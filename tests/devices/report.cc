// Says which device `auto` took, and why: a program of its own for tests that need an environment or
// a RUNPATH of their own.
#include <cstdio>
#include <exception>

#include "hourglass/devices/device.h"

int main() {
  try {
    const hourglass::Device device = hourglass::open_device({});
    std::printf("%s: %s\n", device.backend->kind().c_str(), device.why.c_str());
    return 0;
  } catch (const std::exception& error) {
    std::printf("error: %s\n", error.what());
    return 1;
  }
}
