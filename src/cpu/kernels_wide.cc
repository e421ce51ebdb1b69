#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_wide.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"
#include "cpu/weighted_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

// Rows that are touched follow no order a processor could guess: they are asked for while others
// are worked on.
constexpr std::int64_t kRowsAhead = 2;
constexpr std::int64_t kEntriesAhead = 6;  // of a sparse row, whose every entry is a row of weights

HWY_INLINE void prefetch_parameters(const AdamMatrix& rows, std::int64_t row) {
  prefetch_row(rows.weight.row(row), rows.width);
  prefetch_row(rows.first_moment.row(row), rows.width);
  prefetch_row(rows.second_moment.row(row), rows.width);
}

// The missed steps of kVectors vectors of a row. One step waits for the last, and takes a square
// root and a division: side by side, several vectors keep the processor busy meanwhile.
template <int kVectors>
HWY_INLINE void replay(const AdamVec& adam, const AdamConstants& constants, std::int64_t begin_step,
                       std::int64_t end_step, float* w, float* m, float* v) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const FloatVec zero = hn::Zero(d);
  count_work({.adam_steps = kVectors * (end_step - begin_step), .bytes = 24 * kVectors * lanes});
  FloatVec w_c[kVectors], m_c[kVectors], v_c[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) {
    w_c[i] = hn::LoadU(d, w + i * lanes);
    m_c[i] = hn::LoadU(d, m + i * lanes);
    v_c[i] = hn::LoadU(d, v + i * lanes);
  }
  for (std::int64_t s = begin_step; s < end_step; ++s) {
    const AdamScalars scalars = constants.at(s);
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) adam.step(scalars, zero, w_c[i], m_c[i], v_c[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) {
    hn::StoreU(w_c[i], d, w + i * lanes);
    hn::StoreU(m_c[i], d, m + i * lanes);
    hn::StoreU(v_c[i], d, v + i * lanes);
  }
}

void catch_up_rows(const CatchUpRows& op, std::int64_t begin, std::int64_t end) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(FloatTag()));
  constexpr int kVectors = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 8 : 4;
  const AdamVec adam(op.adam);
  const std::int64_t width = op.rows.width;
  const auto row_of = [&](std::int64_t i) { return op.ids ? op.ids[i] : i; };
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + kRowsAhead < end) prefetch_parameters(op.rows, row_of(i + kRowsAhead));
    const std::int64_t row = row_of(i);
    const std::int64_t last = op.rows.last_step[row];
    op.rows.last_step[row] = op.step;
    // Never had a gradient: m = v = 0, and replaying would leave the row as it is.
    if ((last == 0 && op.adam.weight_decay == 0) || last == op.step) continue;
    float* w = op.rows.weight.row(row);
    float* m = op.rows.first_moment.row(row);
    float* v = op.rows.second_moment.row(row);
    std::int64_t c = 0;
    for (; c + (kVectors - 1) * lanes < width; c += kVectors * lanes) {
      replay<kVectors>(adam, op.adam, last + 1, op.step + 1, w + c, m + c, v + c);
    }
    for (; c < width; c += lanes) {
      replay<1>(adam, op.adam, last + 1, op.step + 1, w + c, m + c, v + c);
    }
  }
}

void gather_rows(const GatherRows& op, std::int64_t begin, std::int64_t end) {
  const FloatTag d;
  const CsrPtr& ratings = op.batch.ratings;
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int32_t row = op.batch.rows[b];
    const std::int64_t first = ratings.row_offsets[row];
    const std::int64_t n = ratings.row_offsets[row + 1] - first;
    const std::int32_t* columns = ratings.columns.raw() + first;
    const float* values =
        op.values ? op.values.raw() + op.row_begin[b] : ratings.values.raw() + first;
    float* out = op.out.row(b);
    weighted_rows(
        n, op.width, [&](std::int64_t e) { return op.weight.row(columns[e]); },
        [&](std::int64_t e) { return values[e]; },
        [&](std::int64_t c, FloatVec sum) {
          if (op.bias_row >= 0) sum = hn::Add(sum, hn::LoadU(d, op.weight.row(op.bias_row) + c));
          if (op.relu) sum = relu(sum);
          hn::StoreU(sum, d, out + c);
        },
        [&](std::int64_t e) {
          if (e + kEntriesAhead < n) {
            prefetch_row(op.weight.row(columns[e + kEntriesAhead]), op.width);
          }
        });
    if (op.append_one) out[op.width] = 1;
  }
}

void sparse_adam(const SparseAdam& op, std::int64_t begin, std::int64_t end) {
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  const FloatVec scale = hn::Set(FloatTag(), op.scale);
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + kRowsAhead < end) prefetch_parameters(op.rows, op.columns.ids[i + kRowsAhead]);
    const std::int64_t row = op.columns.ids[i];
    const std::int64_t first = op.columns.begin[i];
    const std::int32_t* entry_row = op.columns.entry_row.raw() + first;
    const std::int64_t* entry_index = op.columns.entry_index.raw() + first;
    weighted_rows(
        op.columns.begin[i + 1] - first, op.rows.width,
        [&](std::int64_t e) { return op.factor.row(entry_row[e]); },
        [&](std::int64_t e) { return op.coefficients[entry_index[e]]; },
        [&](std::int64_t c, FloatVec sum) {
          adam.step_at(op.rows, row, c, scalars, hn::Mul(scale, sum));
        });
    op.rows.last_step[row] = op.step;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(catch_up_rows);
HWY_EXPORT(gather_rows);
HWY_EXPORT(sparse_adam);

void catch_up_rows(const CatchUpRows& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(catch_up_rows)(op, begin, end);
}
void gather_rows(const GatherRows& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(gather_rows)(op, begin, end);
}
void sparse_adam(const SparseAdam& op, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(sparse_adam)(op, begin, end);
}

std::string instruction_set() {
  // The best target is the lowest bit: the choice that the first dispatch makes.
  const auto usable = static_cast<std::int64_t>(hwy::SupportedTargets() & HWY_TARGETS);
  const std::int64_t chosen = usable & -usable;
  // Highway's own word for AVX-512 is AVX3.
  return chosen == HWY_AVX3 || chosen == HWY_AVX3_DL ? "AVX-512" : hwy::TargetName(chosen);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
