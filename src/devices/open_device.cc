#include <string>
#include <utility>

#include "cpu/backend.h"
#include "devices/cuda_module.h"
#include "hourglass/core/error.h"
#include "hourglass/devices/device.h"
#include "reference/backend.h"

namespace hourglass {

namespace {

Math math_of(const std::string& name) {
  if (name == "fp32") return Math::kFp32;
  if (name == "tf32") return Math::kTf32;
  if (name == "bf16") return Math::kBf16;
  throw UsageError("there is no math " + name + ": choose fp32, tf32 or bf16");
}

Device open_named(const DeviceOptions& options) {
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

}  // namespace

Device open_device(const DeviceOptions& options) {
  const Math math = math_of(options.math);
  Device device = open_named(options);
  if (!device.backend->set_math(math)) {
    throw UsageError("the device " + device.backend->kind() + " here has no --math " + options.math +
                     (device.why.empty() ? "" : " (and " + device.why + ")"));
  }
  return device;
}

}  // namespace hourglass
