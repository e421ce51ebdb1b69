#pragma once

// CUDA on the CPU, for tests: kernels are compiled as C++ against the toolkit's own headers, and
// run by what is defined here and in the library behind it, which stands for cudart and cuBLAS. A
// kernel includes it in place of nvcc's language (kernels/device.cuh).
//
// Environment:
//   HOURGLASS_EMULATOR_SEED: n for blocks, threads and streams in n's random order; 0, in their own
//   HOURGLASS_EMULATOR_MEMORY: the device's bytes, 8 GiB unless set
//   HOURGLASS_EMULATOR_CARD: whose limits the device has: sm_75, sm_80, sm_86 or, unless set, sm_90
//   HOURGLASS_EMULATOR_DEVICES: 1; 0 for a driver that knows of none, -1 for no driver
//
// Not modelled: code generation, registers and occupancy; memory orders weaker than those that the
// race detector knows; blocks that wait for one another; more than one device; the time that
// anything takes.

#include "emulator/device_atomics.h"
#include "emulator/device_language.h"
#include "emulator/device_math.h"
#include "emulator/launch.h"
