#include "hourglass/model/predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/core/error.h"
#include "reference/backend.h"
#include "support/error_text.h"

namespace hourglass {
namespace {

/// Weights and biases of small integers: every sum is exact, in any order and precision.
Model integer_model(const NetworkShape& shape) {
  Model model;
  model.shape = shape;
  int n = 0;
  const auto fill = [&n](std::int64_t size) {
    std::vector<float> values(static_cast<std::size_t>(size));
    for (float& value : values) value = static_cast<float>(++n * 7 % 5 - 2);
    return values;
  };
  for (const LayerShape& layer : shape.layers()) {
    model.weights.push_back(fill(layer.n_outputs * layer.n_inputs));
    model.biases.push_back(fill(layer.n_outputs));
  }
  return model;
}

CsrMatrix some_ratings(std::int64_t n_rows, std::int64_t n_columns) {
  CsrMatrix ratings;
  ratings.n_rows = n_rows;
  ratings.n_columns = n_columns;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t c = 0; c < n_columns; ++c) {
      if (r % 5 == 3 || (r * 3 + c * 7) % 4 != 0) continue;  // every fifth row is empty
      ratings.columns.push_back(static_cast<std::int32_t>(c));
      ratings.values.push_back(static_cast<float>(1 + (r + c) % 5));
    }
    ratings.row_offsets.push_back(static_cast<std::int64_t>(ratings.columns.size()));
  }
  return ratings;
}

/// y = W x + b and ReLU, layer after layer, on one dense row, through the first `n_layers`.
std::vector<float> by_hand(const Model& model, const CsrMatrix& ratings, std::int32_t row,
                           std::size_t n_layers = 1000) {
  std::vector<float> x(static_cast<std::size_t>(ratings.n_columns));
  const auto r = static_cast<std::size_t>(row);
  for (auto e = ratings.row_offsets[r]; e < ratings.row_offsets[r + 1]; ++e) {
    const auto entry = static_cast<std::size_t>(e);
    x[static_cast<std::size_t>(ratings.columns[entry])] = ratings.values[entry];
  }
  const std::vector<LayerShape> layers = model.shape.layers();
  for (std::size_t l = 0; l < std::min(n_layers, layers.size()); ++l) {
    std::vector<float> y = model.biases[l];
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += model.weights[l][o * x.size() + i] * x[i];
      if (layers[l].relu && y[o] < 0) y[o] = 0;
    }
    x = y;
  }
  return x;
}

void expect_by_hand(Backend& backend, const NetworkShape& shape,
                    const std::vector<std::int32_t>& rows) {
  const Model model = integer_model(shape);
  const CsrMatrix ratings = some_ratings(300, shape.n_columns);
  std::vector<float> expected;
  for (const std::int32_t row : rows) {
    const std::vector<float> outputs = by_hand(model, ratings, row);
    expected.insert(expected.end(), outputs.begin(), outputs.end());
  }
  EXPECT_EQ(predict(backend, model, ratings, rows), expected) << backend.kind();
}

TEST(PredictTest, IsTheNetworkOfEachRowWorkedByHand) {
  std::vector<std::int32_t> all(300);  // two full blocks and a part
  std::iota(all.begin(), all.end(), 0);
  reference::ReferenceBackend reference;
  cpu::CpuBackend cpu(2);
  for (Backend* backend : std::initializer_list<Backend*>{&reference, &cpu}) {
    expect_by_hand(*backend, {.n_columns = 37, .hidden = {9, 5}, .bottleneck = 3}, all);
    expect_by_hand(*backend, {.n_columns = 11, .hidden = {}, .bottleneck = 2}, all);
    expect_by_hand(*backend, {.n_columns = 11, .hidden = {4}, .bottleneck = 2}, {299, 3, 0, 3});
    expect_by_hand(*backend, {.n_columns = 11, .hidden = {4}, .bottleneck = 2}, {3});  // empty row
    expect_by_hand(*backend, {.n_columns = 11, .hidden = {4}, .bottleneck = 2}, {});
  }
}

TEST(PredictorTest, CodesAreTheNarrowestLayerBeforeAnyReLU) {
  cpu::CpuBackend backend(2);
  for (const std::vector<int>& hidden : std::vector<std::vector<int>>{{9, 5}, {4}, {}}) {
    const Model model = integer_model({.n_columns = 23, .hidden = hidden, .bottleneck = 3});
    const CsrMatrix ratings = some_ratings(150, 23);
    std::vector<float> expected;
    for (std::int32_t row = 0; row < 150; ++row) {
      const std::vector<float> code = by_hand(model, ratings, row, hidden.size() + 1);
      expected.insert(expected.end(), code.begin(), code.end());
    }
    EXPECT_EQ(Predictor(backend, model).codes(ratings), expected);
  }
}

TEST(PredictorTest, NoRows) {
  cpu::CpuBackend backend(1);
  const Model model = integer_model({.n_columns = 5, .hidden = {4}, .bottleneck = 2});
  CsrMatrix none;
  none.n_columns = 5;
  Predictor predictor(backend, model);
  EXPECT_TRUE(predictor.codes(none).empty());
  predictor.outputs(predictor.hidden(none), 0, {});
}

TEST(PredictTest, RefusesOtherColumnsAndRowsThatAreNotThere) {
  reference::ReferenceBackend backend;
  const Model model = integer_model({.n_columns = 11, .hidden = {4}, .bottleneck = 2});
  const std::vector<std::int32_t> first = {0};
  EXPECT_EQ(test::error_text([&] { predict(backend, model, some_ratings(4, 12), first); }),
            "the model has 11 columns and the ratings have 12: give the ratings the model's "
            "columns, in its order");
  for (const std::int32_t row : {-1, 4}) {
    const std::vector<std::int32_t> rows = {0, row};
    EXPECT_THROW(predict(backend, model, some_ratings(4, 11), rows), std::out_of_range);
  }
}

}  // namespace
}  // namespace hourglass
