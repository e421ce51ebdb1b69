#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_middle.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "cpu/adam-inl.h"
#include "cpu/kernels.h"
#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void middle_forward(const MiddleForward& op, std::int64_t begin_row, std::int64_t end_row) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  Matrix<const float> input = op.layers.input;
  for (int l = 0; l < op.layers.n_layers; ++l) {
    const MiddleLayer& layer = op.layers.layer[static_cast<std::size_t>(l)];
    matmul<false>(end_row - begin_row, layer.out, layer.in + 1,
                  Operand{input.row(begin_row), input.stride, 1}, layer.rows.weight.data.raw(),
                  layer.rows.weight.stride, layer.activation.row(begin_row),
                  layer.activation.stride);
    for (std::int64_t b = begin_row; b < end_row; ++b) {
      float* out = layer.activation.row(b);
      for (std::int64_t c = 0; layer.relu && c < layer.out; c += lanes) {
        hn::StoreU(relu(hn::LoadU(d, out + c)), d, out + c);
      }
      out[layer.out] = 1;
    }
    input = layer.activation;
  }
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

void middle_backward(const MiddleBackward& op, std::int64_t begin_row, std::int64_t end_row) {
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
    if (layer == nullptr) return;
    transposed -= layer->out * padded(layer->in);
    const Matrix<float> below =
        l > 1 ? m.layer[static_cast<std::size_t>(l - 2)].delta : m.input_delta;
    matmul<false>(end_row - begin_row, layer->in, layer->out,
                  Operand{delta.row(begin_row), delta.stride, 1}, transposed, padded(layer->in),
                  below.row(begin_row), below.stride);
    grad = below;  // masked in place by the next turn
  }
}

void middle_update(const MiddleUpdate& op, int layer_index, std::int64_t begin, std::int64_t end,
                   float* scratch) {
  const FloatTag d;
  const MiddleLayer& layer = op.layers.layer[static_cast<std::size_t>(layer_index)];
  const Matrix<float> input = layer_index == 0
                                  ? op.layers.input
                                  : op.layers.layer[static_cast<std::size_t>(layer_index - 1)].activation;
  const std::int64_t stride = padded(layer.out);
  matmul<false>(end - begin, layer.out, op.layers.n_rows,
                Operand{input.data.raw() + begin, 1, input.stride}, layer.delta.data.raw(),
                layer.delta.stride, scratch, stride);
  const AdamVec adam(op.adam);
  const AdamScalars& scalars = op.adam.at(op.step);
  for (std::int64_t i = begin; i < end; ++i) {
    const float* gradient = scratch + (i - begin) * stride;
    adam.step_row(layer.rows, i, scalars,
                  [&](std::int64_t c) { return hn::LoadU(d, gradient + c); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(middle_forward);
HWY_EXPORT(middle_backward);
HWY_EXPORT(middle_update);

void middle_forward(const MiddleForward& op, std::int64_t begin_row, std::int64_t end_row) {
  HWY_DYNAMIC_DISPATCH(middle_forward)(op, begin_row, end_row);
}
void middle_backward(const MiddleBackward& op, std::int64_t begin_row, std::int64_t end_row) {
  HWY_DYNAMIC_DISPATCH(middle_backward)(op, begin_row, end_row);
}
void middle_update(const MiddleUpdate& op, int layer, std::int64_t begin, std::int64_t end,
                   float* scratch) {
  HWY_DYNAMIC_DISPATCH(middle_update)(op, layer, begin, end, scratch);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
