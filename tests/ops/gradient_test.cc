// The operations in the order of a training step, against differences of the network's loss in
// double: no operation's gradient is taken from another program here.
#include <string>

#include "ops/adam_data.h"
#include "ops/double_network.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

HostParameters parameters(const std::vector<double>& values, std::int64_t width, bool deferred) {
  const auto n_rows = static_cast<std::int64_t>(values.size()) / width;
  HostParameters p{
      HostMatrix(n_rows, width), HostMatrix(n_rows, width), HostMatrix(n_rows, width), {}};
  p.weight.values.assign(values.begin(), values.end());
  if (deferred) p.last_step.assign(static_cast<std::size_t>(n_rows), 0);
  return p;
}

/// How the output layer's products are done.
enum class Output { kGram, kDirect, kRated };

/// One training step, the gradients left in each m.
Results step(Backend& backend, const DoubleNetwork& network, Output path) {
  GuardedMemory memory(backend);
  const std::int64_t n_rows = network.batch.size(), n_columns = network.batch.n_columns;
  const std::int64_t width = network.hidden() + 1;
  const HostColumns host_columns(network.batch);
  const BatchRows batch = memory.batch(network.batch);
  const BatchColumns columns = memory.columns(host_columns);
  const AdamConstants adam = gradient_adam().in(memory);

  MiddleLayers middle;
  AdamMatrix input;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const DoubleNetwork::Layer& layer = network.layers[l];
    const std::string name = "layer " + std::to_string(l) + " ";
    const AdamMatrix rows = parameters(layer.weight, layer.out, l == 0).in(memory, name);
    const Matrix<float> activation = memory.written(name + "activation", n_rows, layer.out + 1);
    const Matrix<float> delta = memory.written(name + "delta", n_rows, layer.out);
    if (l == 0) {
      input = rows;
      middle.input_width = layer.out;
      middle.input = activation;
      middle.input_delta = delta;
      middle.input_relu = layer.relu;
      middle.n_rows = n_rows;
    } else {
      middle.layer[l - 1] = {layer.in, layer.out, layer.relu, rows, activation, delta};
      middle.n_layers = static_cast<int>(l);
    }
  }
  const AdamMatrix output = parameters(network.output, width, network.rated).in(memory, "output ");
  const Matrix<float> hidden =
      middle.n_layers > 0 ? middle.layer[static_cast<std::size_t>(middle.n_layers - 1)].activation
                          : middle.input;
  const Matrix<float> grad_hidden = memory.loosely_padded("grad_hidden", n_rows, width - 1);
  const Ptr<double> loss = memory.written<double>("loss", 1);

  backend.run(GatherRows{.batch = batch,
                         .weight = input.weight,
                         .width = input.width,
                         .bias_row = n_columns,
                         .relu = middle.input_relu,
                         .append_one = true,
                         .out = middle.input});
  backend.run(MiddleForward{middle});
  const auto backward = [&] {
    backend.run(MiddleBackward{middle, grad_hidden,
                               memory.scratch<float>("middle scratch", middle_scratch(middle))});
  };
  SparseAdam sparse;
  sparse.columns = columns;
  sparse.max_columns = static_cast<std::int64_t>(host_columns.ids.size());
  sparse.adam = adam;
  sparse.step = 1;
  if (network.rated) {
    const std::int64_t n_ratings = network.batch.n_entries();
    const Ptr<float> errors = memory.written<float>("errors", n_ratings);
    backend.run(RatedLoss{
        .batch = batch,
        .row_begin = columns.row_begin,
        .hidden = hidden,
        .weight = output.weight,
        .width = width,
        .n_ratings = n_ratings,
        .errors = errors,
        .grad_hidden = grad_hidden,
        .scratch = memory.scratch<float>("rated scratch", rated_scratch(n_ratings, n_rows, width)),
        .row_sums = memory.scratch<double>("row_sums", n_rows),
        .loss = loss});
    backward();
    sparse.coefficients = errors;
    sparse.factor = hidden;
    sparse.scale = static_cast<float>(2.0 / static_cast<double>(n_ratings));
    sparse.rows = output;
    backend.run(sparse);
  } else if (path == Output::kDirect) {
    const Matrix<float> outputs = memory.written("outputs", n_rows, n_columns);
    backend.run(OutputForward{.hidden = hidden,
                              .weight = output.weight,
                              .n_rows = n_rows,
                              .n_columns = n_columns,
                              .width = width,
                              .out = outputs});
    backend.run(CellLoss{.batch = batch,
                         .outputs = outputs,
                         .row_sums = memory.scratch<double>("row_sums", n_rows),
                         .loss = loss});
    backend.run(OutputBackward{.errors = outputs,
                               .weight = output.weight,
                               .n_rows = n_rows,
                               .n_columns = n_columns,
                               .width = width,
                               .grad_hidden = grad_hidden});
    backward();
    backend.run(OutputDirectUpdate{
        .errors = outputs,
        .hidden = hidden,
        .n_rows = n_rows,
        .n_columns = n_columns,
        .rows = output,
        .adam = adam,
        .step = 1,
        .scratch = memory.scratch<float>("direct scratch", direct_scratch(n_columns, width))});
  } else {
    const Matrix<float> product = memory.written("product", n_rows, width);
    const Matrix<float> gram = memory.written("gram", width, width);
    const Matrix<float> hidden_gram = memory.written("hidden_gram", width, width);
    const Ptr<float> scratch =
        memory.scratch<float>("gram scratch", gram_scratch(n_columns, width));
    backend.run(OutputGram{.weight = output.weight,
                           .n_columns = n_columns,
                           .width = width,
                           .gram = gram,
                           .scratch = scratch});
    backend.run(
        GatherRows{.batch = batch, .weight = output.weight, .width = width, .out = product});
    backend.run(OutputGramLoss{.batch = batch,
                               .hidden = hidden,
                               .product = product,
                               .gram = gram,
                               .width = width,
                               .hidden_gram = hidden_gram,
                               .grad_hidden = grad_hidden,
                               .row_sums = memory.scratch<double>("row_sums", n_rows + width),
                               .loss = loss});
    backward();
    backend.run(OutputGramUpdate{.columns = columns,
                                 .batch = network.batch.size(),
                                 .hidden = hidden,
                                 .hidden_gram = hidden_gram,
                                 .n_columns = n_columns,
                                 .rows = output,
                                 .adam = adam,
                                 .step = 1,
                                 .gram = gram,
                                 .scratch = scratch});
  }
  backend.run(MiddleUpdate{middle, adam, 1});
  sparse.bias_column = true;
  sparse.coefficients = columns.values;
  sparse.factor = middle.input_delta;
  sparse.scale = 1;
  sparse.rows = input;
  backend.run(sparse);
  return memory.finish();
}

class GradientTest : public OperationTest {
 protected:
  void expect_the_gradients(std::int64_t batch, std::int64_t n_columns,
                            const std::vector<std::int64_t>& widths, Output path) {
    SCOPED_TRACE(std::to_string(widths.size()) + " hidden layers");
    Numbers numbers(widths.size(), Values::kReals);
    DoubleNetwork network =
        random_network(numbers, batch, n_columns, widths, path == Output::kRated);
    Results want = network.gradients();
    DoubleNetwork magnitudes = network.magnitudes();
    Results bound = magnitudes.gradients();
    // A gradient has come through every layer's sums, forward and backward, and S and P.
    double roundings = rounding(batch) + 4 * rounding(n_columns + 1);
    for (const std::int64_t width : widths) roundings += 2 * rounding(width + 1);
    const double differences = network.difference_error() + magnitudes.difference_error();
    for (auto& [name, values] : bound) {
      for (double& x : values) x = roundings * x + differences;
    }
    want["loss"] = {network.loss().value};
    bound["loss"] = {roundings * magnitudes.loss().value};
    expect_within(step(backend(), network, path), want, bound);
  }
};

TEST_P(GradientTest, OfTheLossOverAllCells) {
  expect_the_gradients(6, 11, {5}, Output::kGram);
  expect_the_gradients(5, 13, {7, 4}, Output::kGram);
  expect_the_gradients(6, 11, {6, 4, 3, 5}, Output::kGram);
  expect_the_gradients(9, 37, {17, 3, 16}, Output::kGram);
}

TEST_P(GradientTest, OfTheLossOverAllCellsByTheDirectProducts) {
  expect_the_gradients(6, 11, {5}, Output::kDirect);
  expect_the_gradients(5, 13, {7, 4}, Output::kDirect);
  expect_the_gradients(6, 11, {6, 4, 3, 5}, Output::kDirect);
  expect_the_gradients(9, 37, {17, 3, 16}, Output::kDirect);
}

TEST_P(GradientTest, OfTheLossOverRatedCells) {
  expect_the_gradients(6, 11, {5}, Output::kRated);
  expect_the_gradients(5, 13, {7, 4}, Output::kRated);
  expect_the_gradients(6, 11, {6, 4, 3, 5}, Output::kRated);
  expect_the_gradients(9, 37, {17, 3, 16}, Output::kRated);
}

HOURGLASS_ON_EVERY_BACKEND(GradientTest);

}  // namespace
}  // namespace hourglass::ops_test
