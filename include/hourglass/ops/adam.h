#pragma once

#include <algorithm>
#include <cstdint>

#include "hourglass/core/ptr.h"

namespace hourglass {

/// What Adam's bias corrections make of one step t: lr / (1 - beta1^t) and 1 / sqrt(1 - beta2^t).
struct AdamScalars {
  float step_size;
  float inverse_sqrt_correction2;
};

/// Adam's constants as an operation carries them. Matches torch.optim.Adam (no amsgrad) to rounding:
///   g += weight_decay w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
///   w -= step_size(t) m / (sqrt(v) inverse_sqrt_correction2(t) + epsilon)
/// The schedule is a table, since deferred rows need many past steps (DESIGN 3.3); it ends where both
/// scalars no longer change in float, so a later step reads the last entry.
struct AdamConstants {
  float beta1 = 0.9F, beta2 = 0.999F;
  float one_minus_beta1 = 0.1F, one_minus_beta2 = 0.001F;
  float epsilon = 1e-8F;
  float weight_decay = 0;
  Ptr<const AdamScalars> schedule;  ///< [schedule_size]; entry t is step t, entry 0 is unused
  std::int64_t schedule_size = 0;

  /// The scalars of step t >= 1. Only where the memory of the operation may be read.
  constexpr const AdamScalars& at(std::int64_t step) const {
    return schedule[step < schedule_size ? step : schedule_size - 1];
  }
};

/// A matrix of parameters with its Adam state, all of one stride. Row j of a *deferred* matrix has
/// seen Adam's steps up to last_step[j] only; the missed ones, of zero gradient, are replayed before
/// the row is next read. Rows that never had a gradient have last_step 0: m = v = 0 there, so that
/// without weight decay replaying changes nothing.
struct AdamMatrix {
  Matrix<float> weight, first_moment, second_moment;  ///< [n_rows x width]
  Ptr<std::int64_t> last_step;                        ///< [n_rows]; null where never deferred
  std::int64_t width = 0;                             ///< columns in use; the padding stays zero
};

}  // namespace hourglass
