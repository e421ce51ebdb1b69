#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_gram.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <algorithm>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/live_units-inl.h"
#include "cpu/matmul-inl.h"
#include "cpu/weighted_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

// partial (+)= packed^T packed over a block of columns' rows, upper triangle.
template <class Beside>
HWY_INLINE void add_gram_block(const LiveUnits& live, std::int64_t n_rows, const float* packed,
                               bool first, float* partial, Beside& beside) {
  const std::int64_t n = live.count(), stride = live.packed_stride();
  const Operand transposed = {packed, 1, stride};
  if (first) {
    matmul<false, true>(n, n, n_rows, transposed, packed, stride, partial, padded(n), beside);
  } else {
    matmul<true, true>(n, n, n_rows, transposed, packed, stride, partial, padded(n), beside);
  }
}

void gram_segment(const OutputGram& op, const LiveUnits& live, std::int64_t segment,
                  float* scratch) {
  const GramSegments segments(op.n_columns, op.width);
  const std::int64_t begin = segments.begin(segment), end = segments.end(segment);
  float* partial = op.scratch.raw() + segment * packed_gram_size(live);
  RowsAhead<1> ahead({op.weight.data.raw()}, op.weight.stride, begin + kGramBlock, op.n_columns);
  for (std::int64_t j = begin; j < end; j += kGramBlock) {
    const std::int64_t block_end = std::min(j + kGramBlock, end);
    pack_rows(live, op.weight, j, block_end, scratch, live.packed_stride());
    ahead.reach(block_end + 2 * kGramBlock);
    add_gram_block(live, block_end - j, scratch, j == begin, partial, ahead);
  }
}

void reduce_gram(const Matrix<float>& gram, float* partials, std::int64_t count,
                 const LiveUnits& live, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t n = live.count(), size = packed_gram_size(live);
  const std::int32_t* ids = live.ids();
  for (std::int64_t row = begin; row < end; ++row) {
    float* first = partials + row * padded(n);
    const std::int64_t diagonal = row / lanes * lanes;
    for (std::int64_t gap = 1; gap < count; gap *= 2) {
      for (std::int64_t s = 0; s + gap < count; s += 2 * gap) {
        float* to = first + s * size;
        const float* from = first + (s + gap) * size;
        for (std::int64_t c = diagonal; c < n; c += lanes) {
          hn::StoreU(hn::Add(hn::LoadU(d, to + c), hn::LoadU(d, from + c)), d, to + c);
        }
      }
    }
    float* of_unit = gram.row(ids[row]);
    for (std::int64_t c = row; c < n; ++c) of_unit[ids[c]] = first[c];
  }
}

void hidden_gram(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  matmul<false>(end - begin, op.width, op.batch.n_rows,
                Operand{op.hidden.data.raw() + begin, 1, op.hidden.stride}, op.hidden.data.raw(),
                op.hidden.stride, op.hidden_gram.row(begin), op.hidden_gram.stride);
  for (std::int64_t i = begin; i < end; ++i) {
    const float* g = op.hidden_gram.row(i);
    const float* s = op.gram.row(i);
    double sum = 0;
    for (std::int64_t k = 0; k < op.width; ++k) sum += static_cast<double>(g[k]) * s[k];
    op.row_sums[op.batch.n_rows + i] = sum;
  }
}

void gram_loss_rows(const OutputGramLoss& op, const LiveUnits& live, std::int64_t begin,
                    std::int64_t end) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const CsrPtr& ratings = op.batch.ratings;
  const double cells =
      static_cast<double>(op.batch.n_rows) * static_cast<double>(ratings.n_columns);
  const FloatVec scale = hn::Set(d, static_cast<float>(2 / cells));
  const std::int64_t hidden_width = op.width - 1;
  const Unpacking unpacking(live);
  matmul<false, false, true>(end - begin, hidden_width, Inner(live.count(), live.ids()),
                             Operand{op.hidden.row(begin), op.hidden.stride, 1}, op.gram.data.raw(),
                             op.gram.stride, op.grad_hidden.row(begin), op.grad_hidden.stride);
  for (std::int64_t b = begin; b < end; ++b) {
    float* grad = op.grad_hidden.row(b);
    const float* p = op.product.row(b);
    for (std::int64_t c = 0; c < hidden_width; c += lanes) {
      FloatVec g = hn::Mul(scale, hn::Sub(hn::LoadU(d, grad + c), hn::LoadU(d, p + c)));
      if (op.skip_idle) g = hn::IfThenElseZero(unpacking.mask(c), g);
      hn::StoreU(g, d, grad + c);
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

void gram_update_segment(const OutputGramUpdate& op, const PackedHidden& packed,
                         const Rounded& rounded, const LiveUnits& kept, std::int64_t segment,
                         float* scratch) {
  const FloatTag d;
  const LiveUnits& live = *packed.live;
  const std::int64_t n = live.count(), stride = live.packed_stride();
  const Unpacking unpacking(live);
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
  const FloatVec scale = hn::Set(d, static_cast<float>(2 / cells));
  const GramSegments segments(op.n_columns, op.rows.width);
  const std::int64_t begin = segments.begin(segment), end = segments.end(segment);
  const BatchColumns& columns = op.columns;
  const std::int32_t* ids_end = columns.ids.raw() + columns.n_columns[0];
  const std::int32_t* next = std::lower_bound(columns.ids.raw(), ids_end, begin);
  const Matrix<float>& w = op.rows.weight;
  float* gradients = scratch;
  float* live_rows = gradients + kGramRows * stride;
  float* kept_rows = live_rows + kGramRows * stride;
  float* partial = op.scratch.raw() + segment * packed_gram_size(kept);
  // Rows come while others are worked on; behind the segment lies the next, likely this thread's.
  RowsAhead<3> ahead = parameters_ahead(op.rows, begin, op.n_columns);
  for (std::int64_t first = begin; first < end; first += kGramRows) {
    const std::int64_t last = std::min<std::int64_t>(first + kGramRows, end);
    ahead.reach(last + kGramRows);
    pack_rows(live, w, first, last, live_rows, stride);
    if (rounded.columns != nullptr) {
      while (ahead.any()) ahead();
      bf16_product(false, last - first, n, live_rows, stride, 1, {rounded.columns, n}, gradients,
                   stride, rounded.scratch);
    } else {
      matmul<false>(last - first, n, n, Operand{live_rows, stride, 1}, packed.gram, stride,
                    gradients, stride, ahead);
    }
    for (; next < ids_end && *next < last; ++next) {
      float* gradient = gradients + (*next - first) * stride;
      const std::int64_t i = next - columns.ids.raw();
      const std::int64_t entry = columns.begin[i];
      weighted_rows(
          columns.begin[i + 1] - entry, n,
          [&](std::int64_t e) { return packed.hidden + columns.entry_row[entry + e] * stride; },
          [&](std::int64_t e) { return columns.values[columns.entry_index[entry + e]]; },
          [&](std::int64_t c, FloatVec sum) {
            hn::StoreU(hn::Sub(hn::LoadU(d, gradient + c), sum), d, gradient + c);
          });
    }
    for (std::int64_t j = first; j < last; ++j) {
      const float* gradient = gradients + (j - first) * stride;
      adam.step_row(op.rows, j, scalars,
                    [&](std::int64_t c) { return hn::Mul(scale, unpacking(gradient, c)); });
      pack_row(kept, w.row(j), kept_rows + (j - first) * kept.packed_stride());
    }
    ahead.reach(last + 2 * kGramRows);
    add_gram_block(kept, last - first, kept_rows, first == begin, partial, ahead);
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

void gram_segment(const OutputGram& op, const LiveUnits& live, std::int64_t segment,
                  float* scratch) {
  HWY_DYNAMIC_DISPATCH(gram_segment)(op, live, segment, scratch);
}
void reduce_gram(const Matrix<float>& gram, float* partials, std::int64_t count,
                 const LiveUnits& live, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(reduce_gram)(gram, partials, count, live, begin, end);
}
void hidden_gram(const OutputGramLoss& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(hidden_gram)(op, begin, end);
}
void gram_loss_rows(const OutputGramLoss& op, const LiveUnits& live, std::int64_t begin,
                    std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(gram_loss_rows)(op, live, begin, end);
}
void gram_update_segment(const OutputGramUpdate& op, const PackedHidden& packed,
                         const Rounded& rounded, const LiveUnits& kept, std::int64_t segment,
                         float* scratch) {
  HWY_DYNAMIC_DISPATCH(gram_update_segment)(op, packed, rounded, kept, segment, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
