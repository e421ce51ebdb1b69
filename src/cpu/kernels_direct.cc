#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_direct.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/squares-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void cell_loss_rows(const CellLoss& op, std::int64_t begin, std::int64_t end) {
  const CsrPtr& ratings = op.batch.ratings;
  const double cells =
      static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  const float scale = static_cast<float>(2 / cells);
  for (std::int64_t b = begin; b < end; ++b) {
    float* errors = op.outputs.row(b);
    const std::int32_t row = op.batch.rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e) {
      errors[ratings.columns[e]] -= ratings.values[e];
    }
    op.row_sums[b] = sum_of_squares(ratings.n_columns, [&](std::int64_t j) {
      const float error = errors[j];
      errors[j] *= scale;
      return error;
    });
  }
}

void output_backward_tile(const OutputBackward& op, std::int64_t begin, std::int64_t end,
                          std::int64_t first_unit, std::int64_t n_units) {
  // A block's part of the weights stays in the cache while all rows of the tile pass over it.
  constexpr std::int64_t kColumns = 256;
  float* grad = op.grad_hidden.row(begin) + first_unit;
  for (std::int64_t b = begin; b < end && op.n_columns == 0; ++b) {
    std::fill_n(op.grad_hidden.row(b) + first_unit, n_units, 0.0F);
  }
  for (std::int64_t j = 0; j < op.n_columns; j += kColumns) {
    const std::int64_t n = std::min(kColumns, op.n_columns - j);
    const Operand errors = {op.errors.row(begin) + j, op.errors.stride, 1};
    const float* weight = op.weight.row(j) + first_unit;
    if (j == 0) {
      matmul<false>(end - begin, n_units, n, errors, weight, op.weight.stride, grad,
                    op.grad_hidden.stride);
    } else {
      matmul<true>(end - begin, n_units, n, errors, weight, op.weight.stride, grad,
                   op.grad_hidden.stride);
    }
  }
}

void direct_update_columns(const OutputDirectUpdate& op, std::int64_t begin, std::int64_t end,
                           float* scratch) {
  const FloatTag d;
  const std::int64_t n = end - begin, stride = padded(op.rows.width);
  // The errors of these columns side by side: a row of all errors is far from the next.
  float* packed = scratch + n * stride;
  for (std::int64_t b = 0; b < op.n_rows; ++b) {
    std::copy_n(op.errors.row(b) + begin, n, packed + b * n);
  }
  matmul<false>(n, op.rows.width, op.n_rows, Operand{packed, 1, n}, op.hidden.data.raw(),
                op.hidden.stride, scratch, stride);
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  for (std::int64_t j = begin; j < end; ++j) {
    const float* gradient = scratch + (j - begin) * stride;
    adam.step_row(op.rows, j, scalars, [&](std::int64_t c) { return hn::LoadU(d, gradient + c); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(cell_loss_rows);
HWY_EXPORT(output_backward_tile);
HWY_EXPORT(direct_update_columns);

void cell_loss_rows(const CellLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(cell_loss_rows)(op, begin, end);
}
void output_backward_tile(const OutputBackward& op, std::int64_t begin, std::int64_t end,
                          std::int64_t first_unit, std::int64_t n_units) {
  HWY_DYNAMIC_DISPATCH(output_backward_tile)(op, begin, end, first_unit, n_units);
}
void direct_update_columns(const OutputDirectUpdate& op, std::int64_t begin, std::int64_t end,
                           float* scratch) {
  HWY_DYNAMIC_DISPATCH(direct_update_columns)(op, begin, end, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
