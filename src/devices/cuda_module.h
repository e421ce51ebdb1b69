#pragma once

#include <memory>
#include <string>

#include "hourglass/ops/backend.h"

namespace hourglass::devices {

/// What came of the attempt to open CUDA: a backend, or else a reason and what a person can do.
struct CudaAttempt {
  std::unique_ptr<Backend> backend;
  std::string reason, remedy;  ///< phrases: "no NVIDIA driver is installed", "install it"
};

/// Opens the CUDA module and its backend (devices/device.h says where it is looked for).
CudaAttempt open_cuda();

}  // namespace hourglass::devices
