#pragma once

#include <string>
#include <vector>

#include "ops/adam_data.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {

/// Bounds of weight, m and v after one step of Adam, row by row.
class AdamBound {
 public:
  AdamBound(const HostParameters& before, const HostAdam& adam, std::int64_t step)
      : before_(before), adam_(adam), step_(step) {
    const std::size_t n = before.weight.values.size();
    for (std::vector<double>* bound : {&weight_, &m_, &v_}) bound->assign(n, 0.0);
  }

  /// Row r takes the step with these gradients, each a sum of n terms; `magnitude` is the sum of
  /// their absolute values. Both are [n_rows x width]. A row that takes no step must not change.
  /// `of_terms`: what each term was off already, over its absolute value.
  void takes_step(std::int64_t r, std::int64_t n, const std::vector<double>& gradient,
                  const std::vector<double>& magnitude, double of_terms = 0) {
    for (std::int64_t c = 0; c < before_.weight.width; ++c) {
      const auto i = static_cast<std::size_t>(r * before_.weight.width + c);
      RoundedParameter p{
          {before_.weight.values[i], 0}, {before_.m.values[i], 0}, {before_.v.values[i], 0}};
      p.step(adam_, step_, {gradient[i], (rounding(n) + of_terms) * magnitude[i]});
      weight_[i] = p.w.error;
      m_[i] = p.m.error;
      v_[i] = p.v.error;
    }
  }

  void add_to(Results& bound, const std::string& prefix = "") const {
    bound[prefix + "weight"] = weight_;
    bound[prefix + "m"] = m_;
    bound[prefix + "v"] = v_;
  }

 private:
  const HostParameters& before_;
  const HostAdam& adam_;
  std::int64_t step_;
  std::vector<double> weight_, m_, v_;
};

}  // namespace hourglass::ops_test
