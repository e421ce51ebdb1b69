#include "model/weight_rows.h"

namespace hourglass {
namespace {

/// use(place among the rows, parameter) for each weight and bias of the layer.
template <class T, class Use>
void for_each_parameter(const WeightRows& rows, std::span<T> weight, std::span<T> bias,
                        const Use& use) {
  const std::int64_t in = rows.n_inputs, stride = rows.stride();
  for (std::int64_t o = 0; o < rows.n_outputs; ++o) {
    for (std::int64_t i = 0; i <= in; ++i) {
      T& parameter =
          i < in ? weight[static_cast<std::size_t>(o * in + i)] : bias[static_cast<std::size_t>(o)];
      use(static_cast<std::size_t>(rows.output_layer ? o * stride + i : i * stride + o), parameter);
    }
  }
}

}  // namespace

std::vector<float> WeightRows::pack(std::span<const float> weight,
                                    std::span<const float> bias) const {
  std::vector<float> rows(static_cast<std::size_t>(size()));
  for_each_parameter(*this, weight, bias, [&](std::size_t place, float w) { rows[place] = w; });
  return rows;
}

void WeightRows::unpack(std::span<const float> rows, std::span<float> weight,
                        std::span<float> bias) const {
  for_each_parameter(*this, weight, bias, [&](std::size_t place, float& w) { w = rows[place]; });
}

}  // namespace hourglass
