#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "hourglass/model/model_file.h"
#include "hourglass/model/safetensors.h"
#include "support/temp_folder.h"
#include "support/torch_test.h"
#include "test_model.h"

namespace hourglass {
namespace {

using test::file_bytes;
using test::put_bytes;
using test::TempFolder;
using test::test_model;

/// The network's output for one row in plain loops, and in `magnitude` the same sums over absolute
/// values: what the rounding of any order of summation is proportional to.
struct Forward {
  std::vector<double> value, magnitude;
};

Forward forward(const Model& model, std::span<const float> row) {
  Forward x{{row.begin(), row.end()}, {}};
  for (const double v : x.value) x.magnitude.push_back(std::fabs(v));
  const auto layers = model.shape.layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto n_inputs = static_cast<std::size_t>(layers[l].n_inputs);
    Forward y;
    for (std::size_t o = 0; o < static_cast<std::size_t>(layers[l].n_outputs); ++o) {
      double value = model.biases[l][o];
      double magnitude = std::fabs(value);
      for (std::size_t i = 0; i < n_inputs; ++i) {
        const double w = model.weights[l][o * n_inputs + i];
        value += w * x.value[i];
        magnitude += std::fabs(w) * x.magnitude[i];
      }
      y.value.push_back(layers[l].relu ? std::max(value, 0.0) : value);
      y.magnitude.push_back(magnitude);
    }
    x = std::move(y);
  }
  return x;
}

std::string hidden_text(const NetworkShape& shape) {
  return fmt::format("{}", fmt::join(shape.hidden, ","));
}

using ModelTorch = test::TorchTest;

const std::vector<NetworkShape> kShapes = {
    {.n_columns = 257, .hidden = {128, 64}, .bottleneck = 16},
    {.n_columns = 31, .hidden = {}, .bottleneck = 5},
    {.n_columns = 7, .hidden = {9, 8, 3}, .bottleneck = 1},
};

TEST_F(ModelTorch, PyTorchLoadsOurModelAndPredictsTheSame) {
  for (const NetworkShape& shape : kShapes) {
    const TempFolder folder;
    const Model model = test_model(shape);
    save_model(folder / "model.safetensors", model);

    constexpr std::size_t kRows = 3;
    const auto n_columns = static_cast<std::size_t>(shape.n_columns);
    std::vector<float> rows(kRows * n_columns);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i * i % 6);
    const std::vector<TensorView> tensors = {{"rows", {kRows, shape.n_columns}, rows}};
    save_safetensors(folder / "rows", tensors, {});

    const auto outcome =
        run_python("tests/model/torch_model.py",
                   {"predict", folder / "model.safetensors", folder / "rows", folder / "out",
                    hidden_text(shape), std::to_string(shape.bottleneck)});
    ASSERT_EQ(outcome.status, 0) << outcome.output;
    const auto output = SafetensorsFile(folder / "out").read_f32("output");
    ASSERT_EQ(output.size(), rows.size());

    std::int64_t longest_path = 0;
    for (const LayerShape& layer : shape.layers()) longest_path += layer.n_inputs + 1;
    const double bound =
        std::numeric_limits<float>::epsilon() * (4 + std::sqrt(static_cast<double>(longest_path)));
    for (std::size_t r = 0; r < kRows; ++r) {
      const Forward ours = forward(model, std::span(rows).subspan(r * n_columns, n_columns));
      for (std::size_t c = 0; c < n_columns; ++c) {
        const double error = std::fabs(ours.value[c] - output[r * n_columns + c]);
        EXPECT_TRUE(error <= bound * ours.magnitude[c])
            << to_string(shape) << " row " << r << " column " << c << " error " << error;
      }
    }
  }
}

TEST_F(ModelTorch, ThePythonReaderFindsDamageToo) {
  const TempFolder folder;
  save_model(folder / "m", test_model(kShapes[1]));
  std::string bytes = file_bytes(folder / "m");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  put_bytes(folder / "m", bytes);
  const auto outcome = run_python("tests/model/torch_model.py",
                                  {"predict", folder / "m", folder / "m", folder / "out", "", "5"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_NE(outcome.output.find("its checksum does not match"), std::string::npos)
      << outcome.output;
}

TEST_F(ModelTorch, WeReadWhatPyTorchWrites) {
  for (const NetworkShape& shape : kShapes) {
    const TempFolder folder;
    const auto outcome =
        run_python("tests/model/torch_model.py",
                   {"write", folder / "w.safetensors", std::to_string(shape.n_columns),
                    hidden_text(shape), std::to_string(shape.bottleneck)});
    ASSERT_EQ(outcome.status, 0) << outcome.output;
    const Model model = load_weights(folder / "w.safetensors", shape, {});
    EXPECT_EQ(model.column_ids.size(), 0);
    // The script fills the tensors, in the order of state_dict(), with 0, 1, 2, ...
    float next = 0.0f;
    const auto expect_ramp = [&](const std::vector<float>& values) {
      for (const float value : values) ASSERT_EQ(value, next++);
    };
    for (std::size_t l = 0; l < model.weights.size(); ++l) {
      expect_ramp(model.weights[l]);
      expect_ramp(model.biases[l]);
    }
    EXPECT_EQ(next, static_cast<float>(shape.n_parameters()));
  }
}

}  // namespace
}  // namespace hourglass
