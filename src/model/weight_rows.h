#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hourglass/core/ptr.h"
#include "hourglass/model/model_file.h"

namespace hourglass {

/// How a backend holds one layer's weights and biases: rows of `width` floats, padded to `stride`.
/// Of the output layer a row an output, its bias in the last column; of the others a row an input,
/// and the biases as one more row.
struct WeightRows {
  std::int64_t n_inputs = 0, n_outputs = 0;
  bool output_layer = false;

  WeightRows(const std::vector<LayerShape>& layers, std::size_t layer)
      : n_inputs(layers[layer].n_inputs),
        n_outputs(layers[layer].n_outputs),
        output_layer(layer + 1 == layers.size()) {}

  std::int64_t n_rows() const { return output_layer ? n_outputs : n_inputs + 1; }
  std::int64_t width() const { return output_layer ? n_inputs + 1 : n_outputs; }
  std::int64_t stride() const { return padded(width()); }
  std::int64_t size() const { return n_rows() * stride(); }

  /// The rows of a layer in PyTorch's layout: weight [n_outputs, n_inputs] and bias [n_outputs].
  std::vector<float> pack(std::span<const float> weight, std::span<const float> bias) const;
  /// And back.
  void unpack(std::span<const float> rows, std::span<float> weight, std::span<float> bias) const;
};

}  // namespace hourglass
