// Adam on vectors, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_ADAM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_ADAM_INL_H_
#undef HOURGLASS_CPU_ADAM_INL_H_
#else
#define HOURGLASS_CPU_ADAM_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "cpu/matmul-inl.h"
#include "hourglass/ops/adam.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// Adam's step on one vector of parameters. The one body that every path uses, dense, sparse and
/// replayed: that is what makes a deferred row bit for bit the dense one.
class AdamVec {
 public:
  explicit AdamVec(const AdamConstants& adam)
      : beta1_(hn::Set(FloatTag(), adam.beta1)),
        beta2_(hn::Set(FloatTag(), adam.beta2)),
        one_minus_beta1_(hn::Set(FloatTag(), adam.one_minus_beta1)),
        one_minus_beta2_(hn::Set(FloatTag(), adam.one_minus_beta2)),
        epsilon_(hn::Set(FloatTag(), adam.epsilon)),
        weight_decay_(hn::Set(FloatTag(), adam.weight_decay)) {}

  HWY_INLINE void step(const AdamScalars& scalars, FloatVec gradient, FloatVec& w, FloatVec& m,
                       FloatVec& v) const {
    const FloatTag d;
    const FloatVec g = hn::MulAdd(weight_decay_, w, gradient);
    m = hn::MulAdd(beta1_, m, hn::Mul(one_minus_beta1_, g));
    v = hn::MulAdd(beta2_, v, hn::Mul(hn::Mul(one_minus_beta2_, g), g));
    const FloatVec denominator =
        hn::MulAdd(hn::Sqrt(v), hn::Set(d, scalars.inverse_sqrt_correction2), epsilon_);
    w = hn::Sub(w, hn::Div(hn::Mul(hn::Set(d, scalars.step_size), m), denominator));
  }

  /// The step on the vector at column c of a row, in memory.
  HWY_INLINE void step_at(const AdamMatrix& rows, std::int64_t row, std::int64_t c,
                          const AdamScalars& scalars, FloatVec gradient) const {
    step_in_memory(rows.weight.row(row) + c, rows.first_moment.row(row) + c,
                   rows.second_moment.row(row) + c, scalars, gradient);
  }

  /// The step on one row, in memory. gradient(c) is the gradient of the vector at column c.
  template <class Gradient>
  HWY_INLINE void step_row(const AdamMatrix& rows, std::int64_t row, const AdamScalars& scalars,
                           const Gradient& gradient) const {
    const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(FloatTag()));
    // Copies: the compiler would read the originals again behind every store.
    const AdamScalars at_step = scalars;
    const std::int64_t width = rows.width;
    float* w = rows.weight.row(row);
    float* m = rows.first_moment.row(row);
    float* v = rows.second_moment.row(row);
    for (std::int64_t c = 0; c < width; c += lanes) {
      step_in_memory(w + c, m + c, v + c, at_step, gradient(c));
    }
  }

 private:
  HWY_INLINE void step_in_memory(float* w, float* m, float* v, const AdamScalars& scalars,
                                 FloatVec gradient) const {
    const FloatTag d;
    count_work({.adam_steps = 1, .bytes = 24 * static_cast<std::int64_t>(hn::Lanes(d))});
    FloatVec w_c = hn::LoadU(d, w), m_c = hn::LoadU(d, m), v_c = hn::LoadU(d, v);
    step(scalars, gradient, w_c, m_c, v_c);
    hn::StoreU(w_c, d, w);
    hn::StoreU(m_c, d, m);
    hn::StoreU(v_c, d, v);
  }

  FloatVec beta1_, beta2_, one_minus_beta1_, one_minus_beta2_, epsilon_, weight_decay_;
};

/// Weights and moments that take a step soon.
HWY_INLINE RowsAhead<3> parameters_ahead(const AdamMatrix& rows, std::int64_t row,
                                         std::int64_t end_row) {
  return {{rows.weight.data.raw(), rows.first_moment.data.raw(), rows.second_moment.data.raw()},
          rows.weight.stride,
          row,
          end_row};
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_ADAM_INL_H_
