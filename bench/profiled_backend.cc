#include "bench/profiled_backend.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace hourglass::bench {
namespace {

std::int64_t live_units(const Matrix<const float>& activation, std::int64_t n_rows,
                        std::int64_t n_units) {
  std::vector<char> is_live(static_cast<std::size_t>(n_units));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const float* row = activation.row(r);
    for (std::size_t u = 0; u < is_live.size(); ++u) is_live[u] |= row[u] > 0 ? 1 : 0;
  }
  return std::count(is_live.begin(), is_live.end(), 1);
}

}  // namespace

void ProfiledBackend::look_at(const MiddleLayers& layers) {
  step_.live.clear();
  if (layers.input_relu) {
    step_.live.push_back(live_units(layers.input, layers.n_rows, layers.input_width));
  }
  for (int l = 0; l < layers.n_layers; ++l) {
    const MiddleLayer& layer = layers.layer[static_cast<std::size_t>(l)];
    if (layer.relu) {
      step_.live.push_back(live_units(layer.activation, layers.n_rows, layer.out));
    }
  }
}

ProfiledBackend::Step ProfiledBackend::take_step() { return std::exchange(step_, {}); }

}  // namespace hourglass::bench
