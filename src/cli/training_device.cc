#include "cli/training_device.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "hourglass/core/available_memory.h"
#include "hourglass/core/error.h"

namespace hourglass::cli {
namespace {

/// Why the device's own memory does not suffice; empty where it does, or where it has none.
std::string lack_of_memory(const Device& device, const TrainingMemory& memory) {
  const std::optional<std::size_t> free = device.backend->free_memory();
  if (!free || memory.backend <= *free) return {};
  return fmt::format("the GPU's memory does not suffice: {} MiB are needed, {} are free",
                     (memory.backend >> 20) + 1, *free >> 20);
}

}  // namespace

Device open_training_device(const TrainCommand& command, const TrainingData& data, int bottleneck) {
  const TrainOptions options = command.options(bottleneck);
  Device device = open_device(command.device);
  const auto memory_there = [&] {
    return training_memory(*device.backend, data.given, options, &data.hidden,
                           data.ratings.column_ids);
  };
  TrainingMemory memory = memory_there();
  if (const std::string lack = lack_of_memory(device, memory); !lack.empty()) {
    if (command.device.name != "auto") {
      throw Error(lack + "; choose --device cpu, a lower --batch-size or less --hidden");
    }
    DeviceOptions cpu = command.device;
    cpu.name = "cpu";
    try {
      device = open_device(cpu);
    } catch (const UsageError& error) {  // the CPU, which would have to do, has no such --math
      throw Error(lack + "; " + error.what());
    }
    device.why = lack;
    memory = memory_there();
  }
  const std::size_t of_backend = device.backend->reads_host_memory() ? memory.backend : 0;
  require_memory(of_backend + memory.host, "the training",
                 "lower --batch-size, --hidden or --bottleneck, or use a machine with more");
  return device;
}

}  // namespace hourglass::cli
