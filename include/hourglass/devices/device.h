#pragma once

#include <memory>
#include <string>

#include "hourglass/ops/backend.h"

namespace hourglass {

struct DeviceOptions {
  /// "auto", "cpu", "cuda" or "reference": the words of --device.
  std::string name = "auto";
  /// Of the CPU; 0: as many as the cores that this process may use.
  int threads = 0;
  /// "fp32", "tf32" or "bf16": the words of --math.
  std::string math = "fp32";
};

struct Device {
  std::unique_ptr<Backend> backend;  ///< never null
  /// Why `auto` took the CPU, in a phrase ("no NVIDIA driver is installed"); empty otherwise.
  std::string why;
};

/// Opens a device. `auto` takes CUDA where its module, a driver and a card are there, and the CPU
/// elsewhere. Throws Error where `cuda` is asked for and cannot be had, saying why and what to do,
/// and UsageError for a name that is none of the four, or a math that the device has not.
///
/// The CUDA backend is a module (ops/backend_module.h), libhourglass_cuda.so, which is opened only
/// if there is an NVIDIA driver. It is found as any shared library is: by the program's RUNPATH
/// (hourglass's own names lib/hourglass beside it), LD_LIBRARY_PATH or the system's folders. The
/// environment's HOURGLASS_CUDA_MODULE=PATH names the file instead, and then nobody looks for a
/// driver.
Device open_device(const DeviceOptions& options);

}  // namespace hourglass
