#include <string>
#include <utility>

#include "cpu/backend.h"
#include "devices/cuda_module.h"
#include "hourglass/core/error.h"
#include "hourglass/devices/device.h"
#include "reference/backend.h"

namespace hourglass {

Device open_device(const DeviceOptions& options) {
  const std::string& name = options.name;
  if (name == "cpu") return {std::make_unique<cpu::CpuBackend>(options.threads), {}};
  if (name == "reference") return {std::make_unique<reference::ReferenceBackend>(), {}};
  if (name != "auto" && name != "cuda") {
    throw UsageError("there is no device " + name + ": choose auto, cpu, cuda or reference");
  }
  devices::CudaAttempt cuda = devices::open_cuda();
  if (cuda.backend != nullptr) return {std::move(cuda.backend), {}};
  if (name == "cuda") {
    throw Error("the device cuda cannot be had: " + cuda.reason + "; " + cuda.remedy +
                ", or choose the device cpu");
  }
  return {std::make_unique<cpu::CpuBackend>(options.threads), std::move(cuda.reason)};
}

}  // namespace hourglass
