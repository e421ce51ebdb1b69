// Steps of a tiny network on the CUDA engine beside the reference. What no test of an operation
// shows is here: batches of an epoch, one step upon another, and their graphs. It needs nothing of
// the program, so that every lane of the emulator runs it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cuda/backend.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/model/autoencoder.h"
#include "reference/backend.h"

namespace hourglass {
namespace {

/// What is done at the output layer.
struct Way {
  std::string name;
  Objective objective;
  OutputPath path;
};

constexpr std::int32_t kBatch = 8;
constexpr float kEpsilon = std::numeric_limits<float>::epsilon();

struct Outcome {
  Model model;
  std::vector<double> losses, penalties;  ///< a step each
};

class TinyNetworkTest : public testing::TestWithParam<Way> {
 protected:
  TinyNetworkTest() : ratings_(synthetic_ratings({.rows = 3 * kBatch - 3, .columns = 23}).matrix) {
    options_.shape = {.n_columns = ratings_.n_columns, .hidden = {9, 6}, .bottleneck = 4};
    options_.objective = GetParam().objective;
    options_.output_path = GetParam().path;
    options_.sparsity.weight = 0.2;
    options_.dropout = {.probability = 0.25, .seed = 7};
    options_.max_batch = kBatch;
  }

  /// Two epochs of three batches, the last of which is not full.
  Outcome train(Backend& backend, const Model& start) {
    EpochBatches batches(backend, ratings_, kBatch);
    options_.max_batch_entries = batches.most_ratings();
    Autoencoder network(backend, options_);
    network.load(start);
    std::vector<std::int32_t> order(static_cast<std::size_t>(ratings_.n_rows));
    std::iota(order.begin(), order.end(), 0);
    Buffer<double> losses(backend, 6), penalties(backend, 6);
    for (std::int64_t step = 0; step < losses.size(); ++step) {
      const std::int64_t k = step % batches.size();
      if (k == 0) {
        std::ranges::rotate(order, order.begin() + 5);
        batches.start(order);
      }
      network.step(batches, k, losses.ptr() + step, penalties.ptr() + step);
    }
    Outcome outcome = {start, losses.download(), penalties.download()};
    network.save(outcome.model);
    return outcome;
  }

  CsrMatrix ratings_;
  AutoencoderOptions options_;
};

/// Weights and biases as PyTorch draws them: evenly within 1 / sqrt(inputs) of 0.
Model random_model(const NetworkShape& shape) {
  std::mt19937 numbers(42);
  Model model;
  model.shape = shape;
  for (const LayerShape& layer : shape.layers()) {
    const float scale = 1 / std::sqrt(static_cast<float>(layer.n_inputs));
    const auto draw = [&](std::int64_t n) {
      std::vector<float> values(static_cast<std::size_t>(n));
      for (float& x : values) {
        x = (std::ldexp(static_cast<float>(numbers() >> 8), -23) - 1) * scale;
      }
      return values;
    };
    model.weights.push_back(draw(layer.n_outputs * layer.n_inputs));
    model.biases.push_back(draw(layer.n_outputs));
  }
  return model;
}

/// Every second weight and bias a rounding more, the others one less.
Model rounded_otherwise(Model model) {
  for (const auto layers : {&Model::weights, &Model::biases}) {
    for (std::vector<float>& layer : model.*layers) {
      for (std::size_t i = 0; i < layer.size(); ++i) {
        layer[i] *= i % 2 == 0 ? 1 + kEpsilon : 1 - kEpsilon;
      }
    }
  }
  return model;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  }
  return std::sqrt(squares);
}

// The bound is what steps make of one rounding, times the roundings of a sum: Adam makes steps of
// one size of gradients that are all rounding.
TEST_P(TinyNetworkTest, StepsAreTheReferencesToRounding) {
  cuda::CudaBackend cuda;
  reference::ReferenceBackend reference;
  const Model start = random_model(options_.shape);
  const Outcome got = train(cuda, start), want = train(reference, start);
  const Outcome other = train(reference, rounded_otherwise(start));
  const double roundings = 4 + std::sqrt(static_cast<double>(kBatch * ratings_.n_columns));
  for (std::size_t l = 0; l < start.weights.size(); ++l) {
    SCOPED_TRACE("layer " + std::to_string(l));
    for (const auto layers : {&Model::weights, &Model::biases}) {
      const auto of = [&](const Model& model) { return (model.*layers)[l]; };
      const double moved = distance(of(want.model), of(start));
      const double bound = roundings * distance(of(want.model), of(other.model));
      const double off = distance(of(got.model), of(want.model));
      EXPECT_TRUE(off <= bound) << off << " and " << bound;
      EXPECT_TRUE(bound <= moved / 1000) << bound << ": a step left out must show in " << moved;
    }
  }
  for (std::size_t s = 0; s < want.losses.size(); ++s) {
    SCOPED_TRACE("step " + std::to_string(s + 1));
    for (const auto values : {&Outcome::losses, &Outcome::penalties}) {
      const double a = (got.*values)[s], b = (want.*values)[s];
      EXPECT_TRUE(std::abs(a - b) <= roundings * kEpsilon * b) << a << " and " << b;
      EXPECT_GT(b, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, TinyNetworkTest,
    testing::Values(Way{"Gram", Objective::kAllCells, OutputPath::kGram},
                    Way{"Direct", Objective::kAllCells, OutputPath::kDirect},
                    Way{"Observed", Objective::kRatedCells, OutputPath::kAuto}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hourglass
