#include <algorithm>

#include "core/flush_denormals.h"
#include "reference/adam.h"
#include "reference/backend.h"

namespace hourglass::reference {

void ReferenceBackend::run(const MiddleForward& op) {
  const FlushDenormals flush;
  Matrix<const float> input = op.layers.input;
  for (int l = 0; l < op.layers.n_layers; ++l) {
    const MiddleLayer& layer = op.layers.layer[static_cast<std::size_t>(l)];
    for (std::int64_t b = 0; b < op.layers.n_rows; ++b) {
      for (std::int64_t o = 0; o < layer.out; ++o) {
        double sum = 0;
        for (std::int64_t i = 0; i <= layer.in; ++i) {
          sum += static_cast<double>(input.row(b)[i]) * layer.rows.weight.row(i)[o];
        }
        layer.activation.row(b)[o] = static_cast<float>(layer.relu ? std::max(sum, 0.0) : sum);
      }
      layer.activation.row(b)[layer.out] = 1;
    }
    input = layer.activation;
  }
}

void ReferenceBackend::run(const MiddleBackward& op) {
  const FlushDenormals flush;
  const MiddleLayers& m = op.layers;
  // delta = grad_activation where the activation lets it through.
  const auto masked = [](bool relu, float activation, double grad) {
    return static_cast<float>(relu && !(activation > 0) ? 0.0 : grad);
  };
  for (int l = m.n_layers; l >= 0; --l) {  // l = 0: the input layer's output
    if (l == 0 && !m.input_delta.data) return;
    const bool last = l == m.n_layers;
    const std::size_t above = static_cast<std::size_t>(l);
    const std::size_t here = static_cast<std::size_t>(l - 1);
    const bool relu = l == 0 ? m.input_relu : m.layer[here].relu;
    const Matrix<float>& activation = l == 0 ? m.input : m.layer[here].activation;
    const Matrix<float>& delta = l == 0 ? m.input_delta : m.layer[here].delta;
    const std::int64_t width = l > 0 ? m.layer[here].out : m.input_width;
    for (std::int64_t b = 0; b < m.n_rows; ++b) {
      for (std::int64_t i = 0; i < width; ++i) {
        double grad = 0;
        if (last) {
          grad = op.grad_out.row(b)[i];
        } else {
          for (std::int64_t o = 0; o < m.layer[above].out; ++o) {
            grad += static_cast<double>(m.layer[above].delta.row(b)[o]) *
                    m.layer[above].rows.weight.row(i)[o];
          }
        }
        if (l == op.code_layer) grad += op.grad_code.row(b)[i];
        delta.row(b)[i] = masked(relu, activation.row(b)[i], grad);
      }
    }
  }
}

void ReferenceBackend::run(const MiddleUpdate& op) {
  const FlushDenormals flush;
  Matrix<const float> input = op.layers.input;
  for (int l = 0; l < op.layers.n_layers; ++l) {
    const MiddleLayer& layer = op.layers.layer[static_cast<std::size_t>(l)];
    for (std::int64_t i = 0; i <= layer.in; ++i) {
      for (std::int64_t o = 0; o < layer.out; ++o) {
        double grad = 0;
        for (std::int64_t b = 0; b < op.layers.n_rows; ++b) {
          grad += static_cast<double>(input.row(b)[i]) * layer.delta.row(b)[o];
        }
        adam_element(layer.rows, op.adam, op.step, i, o, grad);
      }
    }
    input = layer.activation;
  }
}

}  // namespace hourglass::reference
