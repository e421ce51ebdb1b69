#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_middle.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/live_units-inl.h"
#include "cpu/matmul-inl.h"
#include "cpu/transposed-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void middle_forward(const MiddleForward& op, std::int64_t begin_row, std::int64_t end_row,
                    std::int32_t* ids, const Rounded* rounded) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const MiddleLayers& m = op.layers;
  Matrix<const float> input = m.input;
  for (int l = 0; l < m.n_layers; ++l) {
    const MiddleLayer& layer = m.layer[static_cast<std::size_t>(l)];
    const Operand a = {input.row(begin_row), input.stride, 1};
    const Matrix<float>& w = layer.rows.weight;
    float* out = layer.activation.row(begin_row);
    const Rounded& of_layer = rounded[l];
    if (of_layer.columns != nullptr) {
      bf16_product(false, end_row - begin_row, layer.out, a.data, a.row_stride, 1,
                   {of_layer.columns, layer.in + 1}, out, layer.activation.stride,
                   of_layer.scratch);
    } else if (l == 0 && !m.input_delta.data) {
      // Data has no idle units to speak of: looking for them would take longer.
      matmul<false>(end_row - begin_row, layer.out, layer.in + 1, a, w.data.raw(), w.stride, out,
                    layer.activation.stride);
    } else {
      const std::int64_t n = find_live_units(input, begin_row, end_row, layer.in + 1, ids);
      matmul<false, false, true>(end_row - begin_row, layer.out, Inner(n, ids), a, w.data.raw(),
                                 w.stride, out, layer.activation.stride);
    }
    for (std::int64_t b = begin_row; b < end_row; ++b) {
      float* row = layer.activation.row(b);
      for (std::int64_t c = 0; layer.relu && c < layer.out; c += lanes) {
        hn::StoreU(relu(hn::LoadU(d, row + c)), d, row + c);
      }
      row[layer.out] = 1;
    }
    input = layer.activation;
  }
}

void transpose_weights(const MiddleLayer& layer, std::int64_t begin, std::int64_t end,
                       float* transposed) {
  const Matrix<float>& w = layer.rows.weight;
  transpose(end - begin, layer.out, w.row(begin), w.stride, transposed + begin, padded(layer.in));
}

// delta[c] = grad[c] where the activation lets it through; the padding becomes zero.
// `extra`, where there is one, is added first.
HWY_INLINE void mask_row(const float* grad, const float* extra, const float* activation, bool relu,
                         std::int64_t width, float* delta) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const FloatVec zero = hn::Zero(d);
  for (std::int64_t c = 0; c < width; c += lanes) {
    FloatVec g = hn::LoadU(d, grad + c);
    if (extra != nullptr) g = hn::Add(g, hn::LoadU(d, extra + c));
    if (relu) g = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, activation + c), zero), g);
    if (c + lanes > width) {
      g = hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(width - c)), g);
    }
    hn::StoreU(g, d, delta + c);
  }
}

void middle_backward(const MiddleBackward& op, std::int64_t begin_row, std::int64_t end_row,
                     std::int32_t* ids, const Rounded* rounded) {
  const MiddleLayers& m = op.layers;
  const float* transposed = op.scratch.raw() + middle_scratch(m);
  Matrix<const float> grad = op.grad_out;
  for (int l = m.n_layers; l >= 0; --l) {  // l = 0: the input layer's output
    const MiddleLayer* layer = l > 0 ? &m.layer[static_cast<std::size_t>(l - 1)] : nullptr;
    const Matrix<float> delta = layer != nullptr ? layer->delta : m.input_delta;
    const Matrix<float> activation = layer != nullptr ? layer->activation : m.input;
    const bool relu = layer != nullptr ? layer->relu : m.input_relu;
    const std::int64_t width = layer != nullptr ? layer->out : m.input_width;
    for (std::int64_t b = begin_row; b < end_row; ++b) {
      mask_row(grad.row(b), l == op.code_layer ? op.grad_code.row(b) : nullptr, activation.row(b),
               relu, width, delta.row(b));
    }
    if (layer == nullptr || (l == 1 && !m.input_delta.data)) return;
    transposed -= layer->out * padded(layer->in);
    const Matrix<float> below =
        l > 1 ? m.layer[static_cast<std::size_t>(l - 2)].delta : m.input_delta;
    const Rounded& of_layer = rounded[l - 1];
    if (of_layer.columns != nullptr) {
      bf16_product(false, end_row - begin_row, layer->in, delta.row(begin_row), delta.stride, 1,
                   {of_layer.columns, layer->out}, below.row(begin_row), below.stride,
                   of_layer.scratch);
    } else {
      const std::int64_t n = find_live_units(delta, begin_row, end_row, width, ids);
      matmul<false, false, true>(end_row - begin_row, layer->in, Inner(n, ids),
                                 Operand{delta.row(begin_row), delta.stride, 1}, transposed,
                                 padded(layer->in), below.row(begin_row), below.stride);
    }
    grad = below;  // masked in place by the next turn
  }
}

void middle_update(const MiddleUpdate& op, int layer_index, const PackedLayer& packed,
                   const Rounded& rounded, std::int64_t begin, std::int64_t end, float* scratch) {
  const FloatTag d;
  const MiddleLayer& layer = op.layers.layer[static_cast<std::size_t>(layer_index)];
  const std::int32_t* ids = packed.in->ids();
  const std::int64_t n_live = packed.in->count(), stride = packed.out->packed_stride();
  const std::int64_t first_row = begin == 0 ? 0 : ids[begin];
  const std::int64_t last_row = end == n_live ? layer.in + 1 : ids[end];
  const Operand a = {packed.input.data.raw() + begin, 1, packed.input.stride};
  if (rounded.columns != nullptr) {
    bf16_product(false, end - begin, packed.out->count(), a.data, 1, a.inner_stride,
                 {rounded.columns, op.layers.n_rows}, scratch, stride, rounded.scratch);
  } else {
    RowsAhead<3> ahead = parameters_ahead(layer.rows, first_row, layer.in + 1);
    ahead.reach(last_row);
    matmul<false>(end - begin, packed.out->count(), op.layers.n_rows, a, packed.delta.data.raw(),
                  packed.delta.stride, scratch, stride, ahead);
  }
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  const Unpacking unpacking(*packed.out);
  std::int64_t next = begin;
  for (std::int64_t row = first_row; row < last_row; ++row) {
    if (next < end && ids[next] == row) {
      const float* gradient = scratch + (next++ - begin) * stride;
      adam.step_row(layer.rows, row, scalars,
                    [=](std::int64_t c) { return unpacking(gradient, c); });
    } else {
      adam.step_row(layer.rows, row, scalars, [&](std::int64_t) { return hn::Zero(d); });
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(middle_forward);
HWY_EXPORT(transpose_weights);
HWY_EXPORT(middle_backward);
HWY_EXPORT(middle_update);

void middle_forward(const MiddleForward& op, std::int64_t begin_row, std::int64_t end_row,
                    std::int32_t* ids, const Rounded* rounded) {
  HWY_DYNAMIC_DISPATCH(middle_forward)(op, begin_row, end_row, ids, rounded);
}
void transpose_weights(const MiddleLayer& layer, std::int64_t begin, std::int64_t end,
                       float* transposed) {
  HWY_DYNAMIC_DISPATCH(transpose_weights)(layer, begin, end, transposed);
}
void middle_backward(const MiddleBackward& op, std::int64_t begin_row, std::int64_t end_row,
                     std::int32_t* ids, const Rounded* rounded) {
  HWY_DYNAMIC_DISPATCH(middle_backward)(op, begin_row, end_row, ids, rounded);
}
void middle_update(const MiddleUpdate& op, int layer, const PackedLayer& packed,
                   const Rounded& rounded, std::int64_t begin, std::int64_t end, float* scratch) {
  HWY_DYNAMIC_DISPATCH(middle_update)(op, layer, packed, rounded, begin, end, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
