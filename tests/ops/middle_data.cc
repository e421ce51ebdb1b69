#include "ops/middle_data.h"

namespace hourglass::ops_test {

MiddleLayers MiddleCase::in(GuardedMemory& memory, Operation operation) const {
  const bool forward = operation == Operation::kForward;
  const bool backward = operation == Operation::kBackward;
  const auto delta = [&](const std::string& name, const HostMatrix& m) {
    return memory.matrix(name, m, backward ? Access::kWrite : Access::kRead);
  };
  MiddleLayers m;
  m.n_layers = static_cast<int>(layers.size());
  m.input_width = input.width;
  m.input = memory.matrix("input", with_ones(input), Access::kRead);
  if (!input_is_data) m.input_delta = delta("input_delta", input_delta);
  m.input_relu = input_relu;
  m.n_rows = input.n_rows;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Layer& layer = layers[l];
    const std::string name = prefix(l);
    MiddleLayer& out = m.layer[l];
    out.in = layer.rows.weight.n_rows - 1;
    out.out = layer.rows.weight.width;
    out.relu = layer.relu;
    if (operation == Operation::kUpdate) {
      out.rows = layer.rows.in(memory, name);
    } else {
      out.rows.weight = memory.matrix(name + "weight", layer.rows.weight, Access::kRead);
      out.rows.width = out.out;
    }
    out.activation = memory.matrix(name + "activation", with_ones(layer.activation),
                                   forward ? Access::kWrite : Access::kRead);
    out.delta = delta(name + "delta", layer.delta);
  }
  return m;
}

Results MiddleCase::forward(Backend& backend) const {
  GuardedMemory memory(backend, extra_stride);
  backend.run(MiddleForward{in(memory, Operation::kForward)});
  return memory.finish();
}

Results MiddleCase::backward(Backend& backend) const {
  GuardedMemory memory(backend, extra_stride);
  const MiddleLayers layers_in = in(memory, Operation::kBackward);
  MiddleBackward op{layers_in, memory.matrix("grad_out", grad_out, Access::kRead),
                    memory.scratch<float>("scratch", middle_scratch(layers_in)), code_layer};
  if (code_layer >= 0) op.grad_code = memory.matrix("grad_code", grad_code, Access::kRead);
  backend.run(op);
  return memory.finish();
}

Results MiddleCase::update(Backend& backend) const {
  GuardedMemory memory(backend, extra_stride);
  const MiddleLayers layers_in = in(memory, Operation::kUpdate);
  backend.run(MiddleUpdate{layers_in, adam.in(memory), step});
  return memory.finish();
}

MiddleCase MiddleCase::magnitudes() const {
  MiddleCase c = *this;
  c.input = absolute(input);
  c.grad_out = absolute(grad_out);
  c.grad_code = absolute(grad_code);
  for (Layer& layer : c.layers) {
    layer.rows.weight = absolute(layer.rows.weight);
    layer.delta = absolute(layer.delta);
  }
  return c;
}

MiddleCase MiddleCase::gradients() const {
  MiddleCase c = *this;
  for (Layer& layer : c.layers) layer.rows = layer.rows.without_moments();
  c.adam = gradient_adam();
  c.step = 1;
  return c;
}

MiddleCase random_middle(Numbers& numbers, std::int64_t n_rows,
                         const std::vector<std::int64_t>& widths) {
  const bool integers = numbers.values() == Values::kIntegers;
  // Activations behind ReLU are zero here and there.
  const auto activation = [&](std::int64_t width, bool relu) {
    HostMatrix m = random_matrix(numbers, n_rows, width);
    for (float& x : m.values) x = relu ? std::max(x, 0.0F) : x;
    for (std::int64_t unit = 2; relu && unit < width; unit += 5) make_idle(m, unit);
    return m;
  };
  MiddleCase c;
  c.input_relu = widths.size() % 2 == 0;
  c.input = activation(widths[0], c.input_relu);
  c.input_delta = random_matrix(numbers, n_rows, widths[0]);
  c.grad_out = random_matrix(numbers, n_rows, widths.back());
  for (std::size_t l = 1; l < widths.size(); ++l) {
    MiddleCase::Layer layer;
    layer.relu = l % 3 != 0;
    layer.rows = random_parameters(numbers, widths[l - 1] + 1, widths[l]);
    for (float& w : layer.rows.weight.values) {
      if (integers) w = numbers.chance(0.2) ? std::min(std::max(w, -1.0F), 1.0F) : 0.0F;
    }
    layer.activation = activation(widths[l], layer.relu);
    layer.delta = random_matrix(numbers, n_rows, widths[l]);
    for (std::int64_t unit = 3; unit < widths[l]; unit += 7) make_idle(layer.delta, unit);
    c.layers.push_back(layer);
  }
  c.code_layer = static_cast<int>(numbers.integer(-1, static_cast<std::int64_t>(c.layers.size())));
  if (c.code_layer >= 0) {
    c.grad_code = random_matrix(numbers, n_rows, widths[static_cast<std::size_t>(c.code_layer)]);
  }
  return c;
}

}  // namespace hourglass::ops_test
