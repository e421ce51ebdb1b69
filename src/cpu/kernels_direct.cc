#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_direct.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/live_units-inl.h"
#include "cpu/matmul-inl.h"
#include "cpu/squares-inl.h"
#include "cpu/transposed-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void dense_rows(const DenseRows& op, std::int64_t begin, std::int64_t end) {
  const CsrPtr& ratings = op.batch.ratings;
  const std::int64_t width = padded(ratings.n_columns + 1);
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row], last = ratings.row_offsets[row + 1];
    const std::int32_t* columns = ratings.columns.raw();
    const float* values = ratings.values.raw();
    float* out = op.out.row(b);
    std::fill_n(out, width, 0.0F);
    constexpr std::int64_t kAhead = 2;  // a row of the shuffle is anywhere
    if (b + kAhead < end) {
      const std::int32_t next = op.batch.rows[b + kAhead];
      const std::int64_t begin_next = ratings.row_offsets[next];
      const std::int64_t n_next = ratings.row_offsets[next + 1] - begin_next;
      for (std::int64_t e = 0; e < n_next; e += 16) {  // 16 of 4 bytes are a cache line
        __builtin_prefetch(columns + begin_next + e);
        __builtin_prefetch(values + begin_next + e);
      }
    }
    for (std::int64_t e = first; e < last; ++e) out[columns[e]] = values[e];
    out[ratings.n_columns] = 1;
  }
}

void output_forward_block(const OutputForward& op, const LiveUnits& live, std::int64_t block,
                          float* scratch, const float* hidden, Bf16Pair* pairs) {
  const std::int64_t begin = block * kOutputBlock;
  const std::int64_t n = std::min(kOutputBlock, op.n_columns - begin);
  float* transposed = scratch;
  const bool whole = n == kOutputBlock;  // a ragged block has no room behind it for whole vectors
  float* spare = scratch + padded(op.width) * kOutputBlock;
  float* out = whole ? op.out.row(0) + begin : spare;
  const std::int64_t out_stride = whole ? op.out.stride : kOutputBlock;
  if (!whole) std::fill(transposed, spare, 0.0F);
  transpose(n, op.width, op.weight.row(begin), op.weight.stride, transposed, kOutputBlock);
  if (pairs != nullptr) {
    pack_bf16_columns(live.count(), live.ids(), 0, kOutputBlock, transposed, kOutputBlock, pairs);
    bf16_product(false, op.n_rows, kOutputBlock, hidden, live.packed_stride(), 1,
                 {pairs, live.count()}, out, out_stride,
                 pairs + bf16_columns_size(op.width, kOutputBlock));
  } else {
    matmul<false, false, true>(op.n_rows, n, Inner(live.count(), live.ids()),
                               Operand{op.hidden.data.raw(), op.hidden.stride, 1}, transposed,
                               kOutputBlock, out, out_stride);
  }
  for (std::int64_t b = 0; b < op.n_rows && !whole; ++b) {
    std::copy_n(out + b * kOutputBlock, n, op.out.row(b) + begin);
  }
}

void cell_loss_rows(const CellLoss& op, std::int64_t begin, std::int64_t end) {
  const CsrPtr& ratings = op.batch.ratings;
  const double cells =
      static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  const float scale = static_cast<float>(2 / cells);
  const std::int64_t n = ratings.n_columns;
  for (std::int64_t b = begin; b < end; ++b) {
    float* errors = op.outputs.row(b);
    if (op.dense.data) {
      const float* x = op.dense.row(b);
      op.row_sums[b] = sum_of_squares(n, [&](std::int64_t j) {
        const float error = errors[j] - x[j];
        errors[j] = error * scale;
        return error;
      });
      continue;
    }
    const std::int32_t row = op.batch.rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e) {
      errors[ratings.columns[e]] -= ratings.values[e];
    }
    op.row_sums[b] = sum_of_squares(n, [&](std::int64_t j) {
      const float error = errors[j];
      errors[j] *= scale;
      return error;
    });
  }
}

void output_backward_rows(const OutputBackward& op, const LiveUnits& live, const float* weight,
                          const Rounded& rounded, std::int64_t begin, std::int64_t end,
                          float* scratch) {
  // A block's part of the weights stays in the cache while all rows pass over it.
  constexpr std::int64_t kColumns = 128;
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t n_units = op.width - 1, stride = live.packed_stride();
  if (rounded.columns != nullptr) {
    bf16_product(false, end - begin, live.count(), op.errors.row(begin), op.errors.stride, 1,
                 {rounded.columns, op.n_columns}, scratch, stride, rounded.scratch);
  } else if (op.n_columns == 0) {
    std::fill_n(scratch, (end - begin) * stride, 0.0F);
  }
  for (std::int64_t j = 0; j < op.n_columns && rounded.columns == nullptr; j += kColumns) {
    const std::int64_t n = std::min(kColumns, op.n_columns - j);
    const Operand errors = {op.errors.row(begin) + j, op.errors.stride, 1};
    if (j == 0) {
      matmul<false>(end - begin, live.count(), n, errors, weight, stride, scratch, stride);
    } else {
      matmul<true>(end - begin, live.count(), n, errors, weight + j * stride, stride, scratch,
                   stride);
    }
  }
  const Unpacking unpacking(live);
  for (std::int64_t b = begin; b < end; ++b) {
    const float* packed = scratch + (b - begin) * stride;
    float* grad = op.grad_hidden.row(b);
    for (std::int64_t c = 0; c < n_units; c += lanes) {
      hn::StoreU(unpacking(packed, c), d, grad + c);
    }
  }
}

void direct_update_columns(const OutputDirectUpdate& op, const LiveUnits& live, const float* hidden,
                           const Rounded& rounded, std::int64_t begin, std::int64_t end,
                           float* scratch) {
  const std::int64_t stride = live.packed_stride();
  const Operand errors = {op.errors.data.raw() + begin, 1, op.errors.stride};
  const Unpacking unpacking(live);
  if (rounded.columns != nullptr) {
    bf16_product(false, end - begin, live.count(), errors.data, 1, errors.inner_stride,
                 {rounded.columns, op.n_rows}, scratch, stride, rounded.scratch);
  } else {
    RowsAhead<3> ahead = parameters_ahead(op.rows, begin, op.n_columns);
    ahead.reach(end);
    matmul<false>(end - begin, live.count(), op.n_rows, errors, hidden, stride, scratch, stride,
                  ahead);
  }
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  for (std::int64_t j = begin; j < end; ++j) {
    const float* gradient = scratch + (j - begin) * stride;
    adam.step_row(op.rows, j, scalars, [=](std::int64_t c) { return unpacking(gradient, c); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(dense_rows);
HWY_EXPORT(output_forward_block);
HWY_EXPORT(cell_loss_rows);
HWY_EXPORT(output_backward_rows);
HWY_EXPORT(direct_update_columns);

void dense_rows(const DenseRows& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(dense_rows)(op, begin, end);
}
void output_forward_block(const OutputForward& op, const LiveUnits& live, std::int64_t block,
                          float* scratch, const float* hidden, Bf16Pair* pairs) {
  HWY_DYNAMIC_DISPATCH(output_forward_block)(op, live, block, scratch, hidden, pairs);
}
void cell_loss_rows(const CellLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(cell_loss_rows)(op, begin, end);
}
void output_backward_rows(const OutputBackward& op, const LiveUnits& live, const float* weight,
                          const Rounded& rounded, std::int64_t begin, std::int64_t end,
                          float* scratch) {
  HWY_DYNAMIC_DISPATCH(output_backward_rows)(op, live, weight, rounded, begin, end, scratch);
}
void direct_update_columns(const OutputDirectUpdate& op, const LiveUnits& live, const float* hidden,
                           const Rounded& rounded, std::int64_t begin, std::int64_t end,
                           float* scratch) {
  HWY_DYNAMIC_DISPATCH(direct_update_columns)(op, live, hidden, rounded, begin, end, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
