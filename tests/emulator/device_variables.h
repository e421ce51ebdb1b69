#pragma once

#include <vector_types.h>

// What kernels know as threadIdx and so on. The toolkit's <device_launch_parameters.h> declares
// them as constants, which they are to a kernel; here they are the emulator's to set. So that
// header and this one are never included together.
extern "C" {
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
}
