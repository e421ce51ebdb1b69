#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_output.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/weighted_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE float* partial_gram(Ptr<float> partials, std::int64_t width, std::int64_t segment) {
  return partials.raw() + segment * width * padded(width);
}

// partial (+)= rows^T rows over one block of columns, upper triangle.
HWY_INLINE void add_gram_block(const Matrix<const float>& weight, std::int64_t begin,
                               std::int64_t end, std::int64_t width, bool first, float* partial) {
  const Operand transposed = {weight.row(begin), 1, weight.stride};
  if (first) {
    matmul<false, true>(width, width, end - begin, transposed, weight.row(begin), weight.stride,
                        partial, padded(width));
  } else {
    matmul<true, true>(width, width, end - begin, transposed, weight.row(begin), weight.stride,
                       partial, padded(width));
  }
}

void gram_segment(const OutputGram& op, std::int64_t segment) {
  const GramSegments segments(op.n_columns, op.width);
  float* partial = partial_gram(op.scratch, op.width, segment);
  const std::int64_t begin = segments.begin(segment), end = segments.end(segment);
  for (std::int64_t j = begin; j < end; j += kGramBlock) {
    add_gram_block(op.weight, j, std::min(j + kGramBlock, end), op.width, j == begin, partial);
  }
}

void reduce_gram(const Matrix<float>& gram, Ptr<float> partials, std::int64_t n_columns,
                 std::int64_t width, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t count = GramSegments(n_columns, width).count;
  const std::int64_t size = width * padded(width);
  for (std::int64_t row = begin; row < end; ++row) {
    float* first = partials.raw() + row * padded(width);
    const std::int64_t diagonal = row / lanes * lanes;
    for (std::int64_t gap = 1; gap < count; gap *= 2) {
      for (std::int64_t s = 0; s + gap < count; s += 2 * gap) {
        float* to = first + s * size;
        const float* from = first + (s + gap) * size;
        for (std::int64_t c = diagonal; c < width; c += lanes) {
          hn::StoreU(hn::Add(hn::LoadU(d, to + c), hn::LoadU(d, from + c)), d, to + c);
        }
      }
    }
    std::copy(first + row, first + width, gram.row(row) + row);
  }
}

void hidden_gram(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  matmul<false>(end - begin, op.width, op.batch.n_rows,
                Operand{op.hidden.data.raw() + begin, 1, op.hidden.stride},
                op.hidden.data.raw(), op.hidden.stride, op.hidden_gram.row(begin),
                op.hidden_gram.stride);
  for (std::int64_t i = begin; i < end; ++i) {
    const float* g = op.hidden_gram.row(i);
    const float* s = op.gram.row(i);
    double sum = 0;
    for (std::int64_t k = 0; k < op.width; ++k) sum += static_cast<double>(g[k]) * s[k];
    op.row_sums[op.batch.n_rows + i] = sum;
  }
}

void gram_loss_rows(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const CsrPtr& ratings = op.batch.ratings;
  const double cells = static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  const FloatVec scale = hn::Set(d, static_cast<float>(2 / cells));
  const std::int64_t hidden_width = op.width - 1;
  matmul<false>(end - begin, hidden_width, op.width,
                Operand{op.hidden.row(begin), op.hidden.stride, 1}, op.gram.data.raw(),
                op.gram.stride, op.grad_hidden.row(begin), op.grad_hidden.stride);
  for (std::int64_t b = begin; b < end; ++b) {
    float* grad = op.grad_hidden.row(b);
    const float* p = op.product.row(b);
    for (std::int64_t c = 0; c < hidden_width; c += lanes) {
      hn::StoreU(hn::Mul(scale, hn::Sub(hn::LoadU(d, grad + c), hn::LoadU(d, p + c))), d, grad + c);
    }
    const float* h = op.hidden.row(b);
    double cross = 0, squares = 0;
    for (std::int64_t c = 0; c < op.width; ++c) cross += static_cast<double>(p[c]) * h[c];
    const std::int32_t row = op.batch.rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e) {
      squares += static_cast<double>(ratings.values[e]) * ratings.values[e];
    }
    op.row_sums[b] = squares - 2 * cross;
  }
}

void gram_update_segment(const OutputGramUpdate& op, std::int64_t segment, float* scratch) {
  const FloatTag d;
  const std::int64_t width = op.rows.width;
  const std::int64_t stride = padded(width);
  const GramSegments segments(op.n_columns, width);
  const std::int64_t segment_begin = segments.begin(segment), segment_end = segments.end(segment);
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
  const FloatVec scale = hn::Set(d, static_cast<float>(2 / cells));
  const BatchColumns& columns = op.columns;
  const std::int32_t* ids_end = columns.ids.raw() + columns.n_columns[0];
  const std::int32_t* next = std::lower_bound(columns.ids.raw(), ids_end, segment_begin);
  float* partial = partial_gram(op.scratch, width, segment);
  for (std::int64_t begin = segment_begin; begin < segment_end; begin += kGramBlock) {
    const std::int64_t end = std::min(begin + kGramBlock, segment_end);
    matmul<false>(end - begin, width, width,
                  Operand{op.rows.weight.row(begin), op.rows.weight.stride, 1},
                  op.hidden_gram.data.raw(), op.hidden_gram.stride, scratch, stride);
    for (; next < ids_end && *next < end; ++next) {
      float* gradient = scratch + (*next - begin) * stride;
      const std::int64_t i = next - columns.ids.raw();
      const std::int64_t first = columns.begin[i];
      weighted_rows(
          columns.begin[i + 1] - first, width,
          [&](std::int64_t e) { return op.hidden.row(columns.entry_row[first + e]); },
          [&](std::int64_t e) { return columns.values[columns.entry_index[first + e]]; },
          [&](std::int64_t c, FloatVec sum) {
            hn::StoreU(hn::Sub(hn::LoadU(d, gradient + c), sum), d, gradient + c);
          });
    }
    for (std::int64_t j = begin; j < end; ++j) {
      const float* gradient = scratch + (j - begin) * stride;
      adam.step_row(op.rows, j, scalars, [&](std::int64_t c) {
        return hn::Mul(scale, hn::LoadU(d, gradient + c));
      });
    }
    add_gram_block(op.rows.weight, begin, end, width, begin == segment_begin, partial);
  }
}

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

void output_forward_block(const OutputForward& op, std::int64_t block, float* scratch) {
  const std::int64_t begin = block * kGramBlock;
  const std::int64_t n = std::min(kGramBlock, op.n_columns - begin);
  float* transposed = scratch;
  float* out = scratch + op.width * kGramBlock;
  std::fill(transposed, out, 0.0F);
  for (std::int64_t j = 0; j < n; ++j) {
    const float* w = op.weight.row(begin + j);
    for (std::int64_t c = 0; c < op.width; ++c) transposed[c * kGramBlock + j] = w[c];
  }
  matmul<false>(op.n_rows, n, op.width, Operand{op.hidden.data.raw(), op.hidden.stride, 1},
                transposed, kGramBlock, out, kGramBlock);
  for (std::int64_t b = 0; b < op.n_rows; ++b) {
    std::copy_n(out + b * kGramBlock, n, op.out.row(b) + begin);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(gram_segment);
HWY_EXPORT(reduce_gram);
HWY_EXPORT(hidden_gram);
HWY_EXPORT(gram_loss_rows);
HWY_EXPORT(gram_update_segment);
HWY_EXPORT(rated_loss_rows);
HWY_EXPORT(output_forward_block);

void gram_segment(const OutputGram& op, std::int64_t segment) {
  HWY_DYNAMIC_DISPATCH(gram_segment)(op, segment);
}
void reduce_gram(const Matrix<float>& gram, Ptr<float> partials, std::int64_t n_columns,
                 std::int64_t width, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(reduce_gram)(gram, partials, n_columns, width, begin, end);
}
void hidden_gram(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(hidden_gram)(op, begin, end);
}
void gram_loss_rows(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(gram_loss_rows)(op, begin, end);
}
void gram_update_segment(const OutputGramUpdate& op, std::int64_t segment, float* scratch) {
  HWY_DYNAMIC_DISPATCH(gram_update_segment)(op, segment, scratch);
}
void rated_loss_rows(const RatedLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(rated_loss_rows)(op, begin, end);
}
void output_forward_block(const OutputForward& op, std::int64_t block, float* scratch) {
  HWY_DYNAMIC_DISPATCH(output_forward_block)(op, block, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
