#include <algorithm>
#include <cstddef>

#include "hourglass/model/autoencoder.h"

namespace hourglass {

StepSizes Autoencoder::step_sizes() const {
  StepSizes sizes{.n_columns = options_.shape.n_columns,
                  .batch = options_.max_batch,
                  .width = layers_.back().n_inputs + 1,
                  .forms_outputs = forms_outputs()};
  for (std::size_t l = first_middle_layer(); l + 1 < layers_.size(); ++l) {
    const LayerShape& layer = layers_[l];
    sizes.widest = std::max({sizes.widest, layer.n_inputs + 1, layer.n_outputs + 1});
    sizes.middle_units += padded(layer.n_inputs + 1) + padded(layer.n_outputs) + 2 * kRowAlignment;
    sizes.middle_weights += padded(layer.n_inputs + 1) * padded(layer.n_outputs);
  }
  return sizes;
}

}  // namespace hourglass
