#include "ops/double_network.h"

#include <cmath>
#include <limits>

namespace hourglass::ops_test {

DoubleNetwork::Loss DoubleNetwork::loss() const {
  Loss loss;
  double squares = 0;
  std::int64_t cells = 0;
  for (std::int64_t b = 0; b < batch.size(); ++b) {
    std::vector<double> x(static_cast<std::size_t>(batch.n_columns));
    std::vector<bool> is_rated(x.size());
    for (std::int64_t e = batch.begin(b); e < batch.end(b); ++e) {
      const auto j = static_cast<std::size_t>(batch.columns[static_cast<std::size_t>(e)]);
      x[j] = batch.values[static_cast<std::size_t>(e)];
      is_rated[j] = true;
    }
    std::vector<double> activation = x;
    for (const Layer& layer : layers) {
      const auto in = static_cast<std::size_t>(layer.in), out = static_cast<std::size_t>(layer.out);
      std::vector<double> next(out);
      for (std::size_t o = 0; o < out; ++o) {
        const std::size_t unit = static_cast<std::size_t>(b) * out + o;
        double sum = layer.weight[in * out + o] + layer.pre[unit];
        // The magnitudes' targets are negative, their inputs are not.
        for (std::size_t i = 0; i < in; ++i) {
          const double a =
              &layer == layers.data() && negate_targets_ ? -activation[i] : activation[i];
          sum += a * layer.weight[i * out + o];
        }
        loss.positive.push_back(sum > 0);
        next[o] = (layer.relu && sum < 0 ? 0 : sum) + layer.post[unit];
      }
      activation = next;
    }
    const std::size_t width = activation.size() + 1;
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (rated && !is_rated[j]) continue;
      double y = output[j * width + width - 1];
      for (std::size_t k = 0; k + 1 < width; ++k) y += activation[k] * output[j * width + k];
      squares += (y - x[j]) * (y - x[j]);
      ++cells;
    }
  }
  loss.value = squares / static_cast<double>(cells);
  return loss;
}

double DoubleNetwork::by(double& parameter) {
  const double at = parameter;
  for (double step = kStep;; step /= 2) {
    parameter = at + step;
    const Loss above = loss();
    parameter = at - step;
    const Loss below = loss();
    parameter = at;
    if (above.positive != below.positive) continue;
    smallest_step_ = std::min(smallest_step_, step);
    return (above.value - below.value) / (2 * step);
  }
}

Results DoubleNetwork::gradients() {
  Results results;
  const auto all = [&](const std::string& name, std::vector<double>& parameters) {
    for (double& parameter : parameters) results[name].push_back(by(parameter));
  };
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::string layer = "layer " + std::to_string(l) + " ";
    all(layer + "m", layers[l].weight);
    all(layer + "delta", layers[l].pre);
  }
  all("grad_hidden", layers.back().post);
  all("output m", output);
  return results;
}

double DoubleNetwork::difference_error() const {
  const double cells = static_cast<double>(batch.size() * batch.n_columns);
  return std::numeric_limits<double>::epsilon() * (4 + std::sqrt(cells)) * loss().value /
         smallest_step_;
}

DoubleNetwork DoubleNetwork::magnitudes() const {
  DoubleNetwork n = *this;
  const auto make_absolute = [](std::vector<double>& values) {
    for (double& x : values) x = std::abs(x);
  };
  n.batch.values = absolute(batch.values, -1);
  n.negate_targets_ = true;
  for (Layer& layer : n.layers) make_absolute(layer.weight);
  make_absolute(n.output);
  for (Layer& layer : n.layers) layer.relu = false;
  return n;
}

DoubleNetwork random_network(Numbers& numbers, std::int64_t batch, std::int64_t n_columns,
                             const std::vector<std::int64_t>& widths, bool rated) {
  const auto random = [&](std::int64_t n) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < n; ++i) values.push_back(0.5F * numbers.next(1));
    return values;
  };
  DoubleNetwork network;
  network.batch = random_batch(numbers, batch, n_columns, true);
  network.rated = rated;
  std::int64_t in = n_columns;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    const auto units = static_cast<std::size_t>(batch * widths[l]);
    network.layers.push_back({l % 3 != 2, in, widths[l], random((in + 1) * widths[l]),
                              std::vector<double>(units), std::vector<double>(units)});
    in = widths[l];
  }
  network.output = random(n_columns * (in + 1));
  return network;
}

}  // namespace hourglass::ops_test
