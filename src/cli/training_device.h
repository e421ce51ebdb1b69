#pragma once

#include "cli/training.h"
#include "hourglass/devices/device.h"

namespace hourglass::cli {

/// The device of --device, for networks of up to this bottleneck. A GPU whose memory they do not
/// fit is none for `auto`, and an error for `cuda`. Throws Error where the host's does not suffice:
/// before the training, not in it.
Device open_training_device(const TrainCommand& command, const TrainingData& data, int bottleneck);

}  // namespace hourglass::cli
