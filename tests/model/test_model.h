#pragma once

#include <cstdint>
#include <string>

#include "hourglass/core/philox.h"
#include "hourglass/model/model_file.h"
#include "support/id_list.h"

namespace hourglass::test {

/// A model of that shape with weights of about the size that training starts from, and the column
/// ids "id0", "id1", ...
inline Model test_model(const NetworkShape& shape) {
  Model model;
  model.shape = shape;
  std::uint32_t layer = 0;
  for (const LayerShape& size : shape.layers()) {
    const auto fill = [&](std::int64_t n, std::uint32_t tensor) {
      std::vector<float> values(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto word =
            philox(7, RandomPurpose::kInitialWeights, tensor, 0, static_cast<std::uint32_t>(i))[0];
        values[i] = uniform(word) - 0.5f;
      }
      return values;
    };
    model.weights.push_back(fill(size.n_outputs * size.n_inputs, 2 * layer));
    model.biases.push_back(fill(size.n_outputs, 2 * layer + 1));
    ++layer;
  }
  for (std::int64_t i = 0; i < shape.n_columns; ++i) model.column_ids.add("id" + std::to_string(i));
  return model;
}

}  // namespace hourglass::test
