#include "hourglass/model/output_path.h"

namespace hourglass {

OutputPath cheaper_output_path(double density, std::int64_t batch, std::int64_t hidden) {
  const double rows = static_cast<double>(batch), width = static_cast<double>(hidden + 1);
  constexpr double kSparse = 2;
  const double gram = 1.5 * width + 2 * kSparse * density * rows;
  const double direct = 3 * rows;
  return direct < gram ? OutputPath::kDirect : OutputPath::kGram;
}

}  // namespace hourglass
