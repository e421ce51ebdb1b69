#pragma once

#include <cmath>
#include <cstdint>

#include "hourglass/ops/adam.h"

namespace hourglass::reference {

/// Adam's step `step` on element (r, c) with gradient g, before weight decay.
/// Kingma & Ba, ICLR 2015, with torch.optim.Adam's placing of epsilon.
inline void adam_element(const AdamMatrix& rows, const AdamConstants& adam, std::int64_t step,
                         std::int64_t r, std::int64_t c, double g) {
  const AdamScalars& scalars = adam.at(step);
  float& w = rows.weight.row(r)[c];
  float& m = rows.first_moment.row(r)[c];
  float& v = rows.second_moment.row(r)[c];
  g += static_cast<double>(adam.weight_decay) * w;
  const double m_new = static_cast<double>(adam.beta1) * m + adam.one_minus_beta1 * g;
  const double v_new = static_cast<double>(adam.beta2) * v + adam.one_minus_beta2 * g * g;
  w = static_cast<float>(w - scalars.step_size * m_new /
                                 (std::sqrt(v_new) * scalars.inverse_sqrt_correction2 +
                                  static_cast<double>(adam.epsilon)));
  m = static_cast<float>(m_new);
  v = static_cast<float>(v_new);
}

}  // namespace hourglass::reference
