#include <algorithm>
#include <cmath>

#include "core/flush_denormals.h"
#include "reference/backend.h"

namespace hourglass::reference {

void ReferenceBackend::run(const SparsityPenalty& op) {
  const FlushDenormals flush;
  const auto sigmoid = [&](std::int64_t b, std::int64_t j) {
    return 1 / (1 + std::exp(-static_cast<double>(op.code.row(b)[j])));
  };
  double penalty = 0;
  for (std::int64_t j = 0; j < op.width; ++j) {
    double mean = 0;
    for (std::int64_t b = 0; b < op.n_rows; ++b) mean += sigmoid(b, j);
    mean /= static_cast<double>(op.n_rows);
    const double r = std::clamp(mean, kSparsityClamp, 1 - kSparsityClamp);
    const double t = op.target;
    penalty += op.weight * (t * std::log(t / r) + (1 - t) * std::log((1 - t) / (1 - r)));
    const double slope = op.weight / static_cast<double>(op.n_rows) * ((1 - t) / (1 - r) - t / r);
    for (std::int64_t b = 0; b < op.n_rows; ++b) {
      const double s = sigmoid(b, j);
      op.grad.row(b)[j] = static_cast<float>(r != mean ? 0 : slope * s * (1 - s));
    }
  }
  *op.penalty.raw() = penalty;
}

}  // namespace hourglass::reference
