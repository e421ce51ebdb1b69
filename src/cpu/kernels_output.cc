#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_output.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/weighted_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void rated_loss_rows(const RatedLoss& op, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const CsrPtr& ratings = op.batch.ratings;
  const float scale = static_cast<float>(2.0 / static_cast<double>(op.n_ratings));
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row];
    const std::int64_t n = ratings.row_offsets[row + 1] - first;
    const float* h = op.hidden.row(b);
    float* errors = op.errors.raw() + op.row_begin[b];
    double squares = 0;
    for (std::int64_t e = 0; e < n; ++e) {
      const float* w = op.weight.row(ratings.columns[first + e]);
      FloatVec dot = hn::Zero(d);
      for (std::int64_t c = 0; c < op.width; c += lanes) {
        dot = hn::MulAdd(hn::LoadU(d, h + c), hn::LoadU(d, w + c), dot);
      }
      errors[e] = hn::GetLane(hn::SumOfLanes(d, dot)) - ratings.values[first + e];
      squares += static_cast<double>(errors[e]) * errors[e];
    }
    float* grad = op.grad_hidden.row(b);
    weighted_rows(
        n, op.width - 1, [&](std::int64_t e) { return op.weight.row(ratings.columns[first + e]); },
        [&](std::int64_t e) { return errors[e]; },
        [&](std::int64_t c, FloatVec sum) {
          hn::StoreU(hn::Mul(hn::Set(d, scale), sum), d, grad + c);
        });
    op.row_sums[b] = squares;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(rated_loss_rows);

void rated_loss_rows(const RatedLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(rated_loss_rows)(op, begin, end);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
