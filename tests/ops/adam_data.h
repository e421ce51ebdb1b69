#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "hourglass/model/adam_schedule.h"
#include "hourglass/ops/adam.h"
#include "ops/guarded_memory.h"

namespace hourglass::ops_test {

/// Adam's constants with their schedule on the host.
struct HostAdam {
  AdamConstants constants;
  std::vector<AdamScalars> schedule;

  AdamConstants in(GuardedMemory& memory) const {
    AdamConstants c = constants;
    c.schedule = memory.array("schedule", schedule, Access::kRead);
    c.schedule_size = static_cast<std::int64_t>(schedule.size());
    return c;
  }
  const AdamScalars& at(std::int64_t step) const {
    return schedule[static_cast<std::size_t>(
        std::min(step, static_cast<std::int64_t>(schedule.size()) - 1))];
  }
};

/// PyTorch's defaults, as training has them.
inline HostAdam real_adam(double weight_decay) {
  HostAdam adam{{}, adam_schedule(AdamOptions())};
  adam.constants.weight_decay = static_cast<float>(weight_decay);
  return adam;
}

/// Adam in which small integers stay exact. v keeps its value, 1: sqrt(v) c + epsilon is then a
/// power of two for every c below, and all else is halves. Each step has scalars of its own, so
/// that one too early or too late shows; steps beyond 4 have step 4's.
inline HostAdam exact_adam(float weight_decay) {
  HostAdam adam{{}, {{NAN, NAN}, {1, 1}, {1, 3}, {4, 1}, {8, 7}}};
  adam.constants.beta1 = adam.constants.one_minus_beta1 = 0.5F;
  adam.constants.beta2 = 1;
  adam.constants.one_minus_beta2 = 0;
  adam.constants.epsilon = 1;
  adam.constants.weight_decay = weight_decay;
  return adam;
}

/// Adam that leaves the gradient itself in m, and v alone.
inline HostAdam gradient_adam() {
  HostAdam adam{{}, {{NAN, NAN}, {1, 1}}};
  adam.constants.beta1 = 0;
  adam.constants.one_minus_beta1 = 1;
  adam.constants.beta2 = 1;
  adam.constants.one_minus_beta2 = 0;
  adam.constants.epsilon = 1;
  return adam;
}

/// Parameters and their moments, [n_rows x width].
struct HostParameters {
  HostMatrix weight, m, v;
  std::vector<std::int64_t> last_step;  ///< empty: never deferred

  AdamMatrix in(GuardedMemory& memory, const std::string& prefix = "") const {
    return {.weight = memory.matrix(prefix + "weight", weight, Access::kUpdate),
            .first_moment = memory.matrix(prefix + "m", m, Access::kUpdate),
            .second_moment = memory.matrix(prefix + "v", v, Access::kUpdate),
            .last_step = last_step.empty() && weight.n_rows > 0
                             ? Ptr<std::int64_t>()
                             : memory.array(prefix + "last_step", last_step, Access::kUpdate),
            .width = weight.width};
  }
  /// With m = 0 a gradient is what m becomes under gradient_adam().
  HostParameters without_moments() const {
    HostParameters p = *this;
    p.m = HostMatrix(m.n_rows, m.width);
    p.v = HostMatrix(v.n_rows, v.width);
    return p;
  }
};

/// Moments as some steps leave them. Integers: m small, v as exact_adam() needs it.
inline HostParameters random_parameters(Numbers& numbers, std::int64_t n_rows, std::int64_t width,
                                        int range = 2) {
  HostParameters p;
  p.weight = random_matrix(numbers, n_rows, width, range);
  p.m = random_matrix(numbers, n_rows, width);
  p.v = HostMatrix(n_rows, width, 1);
  if (numbers.values() == Values::kReals) {
    for (float& w : p.weight.values) w *= 0.1F;
    for (std::size_t i = 0; i < p.m.values.size(); ++i) {
      p.m.values[i] *= 0.01F;
      p.v.values[i] = std::abs(p.m.values[i]) * 0.01F;
    }
  }
  return p;
}

/// A float computation in double with a bound of its error (running error analysis: Higham,
/// Accuracy and Stability of Numerical Algorithms, 3.3). An epsilon a rounding is two units: one
/// for each of the two results that are compared. Results below FLT_MIN are flushed to zero.
struct Rounded {
  double value = 0, error = 0;

  static Rounded of(double value, double error) {
    return {value, error + std::numeric_limits<float>::epsilon() * std::abs(value) + FLT_MIN};
  }
  friend Rounded operator+(Rounded a, Rounded b) {
    return of(a.value + b.value, a.error + b.error);
  }
  friend Rounded operator-(Rounded a, Rounded b) {
    return of(a.value - b.value, a.error + b.error);
  }
  friend Rounded operator*(Rounded a, Rounded b) {
    return of(a.value * b.value,
              std::abs(a.value) * b.error + std::abs(b.value) * a.error + a.error * b.error);
  }
  friend Rounded operator/(Rounded a, Rounded b) {
    const double q = a.value / b.value, least = std::abs(b.value) - b.error;
    return of(q, least > 0 ? (a.error + std::abs(q) * b.error) / least
                           : std::numeric_limits<double>::infinity());
  }
  friend Rounded sqrt(Rounded a) {
    const double root = std::sqrt(a.value);
    return of(root, std::max(root - std::sqrt(std::max(a.value - a.error, 0.0)),
                             std::sqrt(a.value + a.error) - root));
  }
};

/// One parameter under Adam, with the error of each of its numbers.
struct RoundedParameter {
  Rounded w, m, v;

  void step(const HostAdam& adam, std::int64_t t, Rounded gradient) {
    const AdamConstants& a = adam.constants;
    const auto exact = [](double x) { return Rounded{x, 0}; };
    const Rounded g = gradient + exact(a.weight_decay) * w;
    m = exact(a.beta1) * m + exact(a.one_minus_beta1) * g;
    v = exact(a.beta2) * v + exact(a.one_minus_beta2) * g * g;
    w = w - exact(adam.at(t).step_size) * m /
                (sqrt(v) * exact(adam.at(t).inverse_sqrt_correction2) + exact(a.epsilon));
  }
};

}  // namespace hourglass::ops_test
