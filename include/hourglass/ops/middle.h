#pragma once

#include <array>
#include <cstdint>

#include "hourglass/ops/adam.h"

// The narrow middle: all layers between the two wide ones, forward and backward in one operation each.
// A dense batch's input layer is one more of them, the first.
// A layer's weights are stored input-major with the bias as the last row: [(in + 1) x out], stride
// padded; its input activations carry a 1 in column `in`, so that the bias rides in the product.
namespace hourglass {

inline constexpr int kMaxMiddleLayers = 16;

struct MiddleLayer {
  std::int64_t in = 0, out = 0;
  bool relu = false;
  AdamMatrix rows;           ///< [(in + 1) x out]; never deferred
  Matrix<float> activation;  ///< [batch x (out + 1)] this layer's output, column `out` = 1
  Matrix<float> delta;       ///< [batch x out] gradient of the loss by the layer's output before act
};

struct MiddleLayers {
  std::array<MiddleLayer, kMaxMiddleLayers> layer;
  int n_layers = 0;
  std::int64_t input_width = 0;  ///< units of the input layer; layer[0].in where there is one
  Matrix<float> input;           ///< [batch x (input_width + 1)] the input layer's activations and 1
  /// [batch x input_width] gradient by its output before act. Null where the input is data: nobody
  /// asks for the gradient by it.
  Matrix<float> input_delta;
  bool input_relu = false;       ///< whether the input layer's act is ReLU
  std::int64_t n_rows = 0;       ///< rows of the batch
};

/// activation[l] = act(activation[l - 1] [W b]).
struct MiddleForward {
  MiddleLayers layers;
};

/// From grad_out, the gradient by the last activation, to delta of every layer and input_delta.
/// ReLU's derivative at 0 is 0, as in PyTorch. With n_layers 0, input_delta = grad_out (masked).
struct MiddleBackward {
  MiddleLayers layers;
  Matrix<const float> grad_out;  ///< [batch x layer[last].out]
  Ptr<float> scratch;            ///< [middle_scratch(layers)]: transposed weights
  /// A gradient that the loss has of its own by one layer's activation, added to what comes from
  /// above: layer code_layer - 1's, or with 0 the input layer's. -1: there is none.
  int code_layer = -1;
  Matrix<const float> grad_code = {};  ///< [batch x that layer's units]
};

/// grad W[l] = activation[l - 1]^T delta[l], summed in row order, and Adam's step on it.
struct MiddleUpdate {
  MiddleLayers layers;
  AdamConstants adam;
  std::int64_t step = 0;
};

constexpr std::int64_t middle_scratch(const MiddleLayers& m) {
  std::int64_t floats = 0;
  for (int l = m.input_delta.data ? 0 : 1; l < m.n_layers; ++l) {
    const MiddleLayer& layer = m.layer[static_cast<std::size_t>(l)];
    floats += layer.out * padded(layer.in);
  }
  return floats;
}

}  // namespace hourglass
