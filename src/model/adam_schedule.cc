#include "hourglass/model/adam_schedule.h"

#include <cmath>

namespace hourglass {

std::vector<AdamScalars> adam_schedule(const AdamOptions& options) {
  // In float 1 - x is 1 once x is below half an epsilon: no later step can differ from that one.
  constexpr double kNothing = 0x1p-26;
  std::vector<AdamScalars> table(1);
  double power1 = 1, power2 = 1;
  do {
    power1 *= options.beta1;
    power2 *= options.beta2;
    table.push_back({static_cast<float>(options.learning_rate / (1 - power1)),
                     static_cast<float>(1 / std::sqrt(1 - power2))});
  } while (power1 > kNothing || power2 > kNothing);
  return table;
}

}  // namespace hourglass
