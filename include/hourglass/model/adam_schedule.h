#pragma once

#include <vector>

#include "hourglass/ops/adam.h"

namespace hourglass {

/// torch.optim.Adam's options and their defaults.
struct AdamOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
};

/// Entry t holds the scalars of step t (entry 0 is unused), computed in double as PyTorch does. The
/// table ends where neither changes in float any more: 17,000 entries or so for the defaults.
std::vector<AdamScalars> adam_schedule(const AdamOptions& options);

}  // namespace hourglass
