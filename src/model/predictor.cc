#include "hourglass/model/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "hourglass/core/error.h"
#include "hourglass/data/select_rows.h"
#include "hourglass/ops/csr_buffer.h"
#include "model/weight_rows.h"

namespace hourglass {
namespace {

constexpr std::int64_t kBatch = 128;  ///< rows that the narrow layers take at a time

}  // namespace

Predictor::Predictor(Backend& backend, const Model& model)
    : backend_(&backend), shape_(model.shape), layers_(model.shape.layers()) {
  if (layers_.size() - 2 > kMaxMiddleLayers) {
    throw Error(fmt::format("the network has {} hidden layers a side: at most {} can be run",
                            shape_.hidden.size(), kMaxMiddleLayers / 2));
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const WeightRows rows(layers_, l);
    Weights& weights = weights_.emplace_back();
    weights.values = Buffer<float>(
        backend, std::span<const float>(rows.pack(model.weights[l], model.biases[l])));
    weights.rows = {weights.values.ptr(), rows.stride()};
    if (l + 1 < layers_.size()) {
      activations_.emplace_back(backend, kBatch * padded(layers_[l].n_outputs + 1));
    }
  }
}

HiddenRows Predictor::run_to(std::size_t layer, const CsrMatrix& ratings) {
  if (ratings.n_columns != n_columns()) {
    throw Error(
        fmt::format("the model has {} columns and the ratings have {}: give the ratings "
                    "the model's columns, in its order",
                    n_columns(), ratings.n_columns));
  }
  std::vector<std::int32_t> order(static_cast<std::size_t>(ratings.n_rows));
  std::iota(order.begin(), order.end(), 0);
  const CsrBuffer matrix(*backend_, ratings);
  const Buffer<std::int32_t> rows(*backend_, std::span<const std::int32_t>(order));
  const auto stride = [&](std::size_t l) { return padded(layers_[l].n_outputs + 1); };
  HiddenRows result{Buffer<float>(*backend_, ratings.n_rows * stride(layer)), ratings.n_rows};
  for (std::int64_t first = 0; first < ratings.n_rows; first += kBatch) {
    const std::int64_t n = std::min(kBatch, ratings.n_rows - first);
    const auto activation = [&](std::size_t l) {
      const Ptr<float> own =
          l == layer ? result.values.ptr() + first * stride(l) : activations_[l].ptr();
      return Matrix<float>{own, stride(l)};
    };
    backend_->run(
        GatherRows{.batch = {matrix.ptr(), rows.ptr() + first, static_cast<std::int32_t>(n)},
                   .weight = weights_[0].rows,
                   .width = layers_[0].n_outputs,
                   .bias_row = n_columns(),
                   .relu = layers_[0].relu,
                   .append_one = true,
                   .out = activation(0)});
    MiddleLayers middle;
    middle.n_layers = static_cast<int>(layer);
    middle.input_width = layers_[0].n_outputs;
    middle.input = activation(0);
    middle.n_rows = n;
    for (std::size_t l = 1; l <= layer; ++l) {
      middle.layer[l - 1] = {.in = layers_[l].n_inputs,
                             .out = layers_[l].n_outputs,
                             .relu = layers_[l].relu,
                             .rows = {.weight = weights_[l].rows,
                                      .first_moment = {},
                                      .second_moment = {},
                                      .last_step = {},
                                      .width = layers_[l].n_outputs},
                             .activation = activation(l),
                             .delta = {}};
    }
    backend_->run(MiddleForward{middle});
  }
  backend_->synchronize();  // the ratings go with this call
  return result;
}

HiddenRows Predictor::hidden(const CsrMatrix& ratings) {
  return run_to(layers_.size() - 2, ratings);
}

std::vector<float> Predictor::codes(const CsrMatrix& ratings) {
  const auto code = static_cast<std::size_t>(shape_.n_encoder_layers() - 1);
  const HiddenRows rows = run_to(code, ratings);
  const std::vector<float> padded_rows = rows.values.download();
  const std::int64_t stride = padded(shape_.bottleneck + 1);
  std::vector<float> codes;
  codes.reserve(static_cast<std::size_t>(rows.n_rows * shape_.bottleneck));
  for (std::int64_t r = 0; r < rows.n_rows; ++r) {
    const auto begin = padded_rows.begin() + r * stride;
    codes.insert(codes.end(), begin, begin + shape_.bottleneck);
  }
  return codes;
}

OutputFactors Predictor::factors(const HiddenRows& hidden) const {
  const std::int64_t width = layers_.back().n_inputs + 1;
  return {.rows = {hidden.values.ptr(), padded(width)},
          .columns = weights_.back().rows,
          .n_rows = hidden.n_rows,
          .n_columns = n_columns(),
          .width = width};
}

void Predictor::outputs(const HiddenRows& hidden, std::int64_t first, std::span<float> out) {
  const auto size = static_cast<std::int64_t>(out.size());
  if (outputs_.size() < size) outputs_ = Buffer<float>(*backend_, size);
  const OutputFactors factors = this->factors(hidden);
  backend_->run(OutputForward{
      .hidden = {factors.rows.data + first * factors.rows.stride, factors.rows.stride},
      .weight = factors.columns,
      .n_rows = size / n_columns(),
      .n_columns = n_columns(),
      .width = factors.width,
      .out = {outputs_.ptr(), n_columns()}});
  if (size > 0) backend_->download(out, Ptr<const float>(outputs_.ptr()));
}

std::vector<float> predict(Backend& backend, const Model& model, const CsrMatrix& ratings,
                           std::span<const std::int32_t> rows) {
  for (const std::int32_t row : rows) {
    if (row < 0 || row >= ratings.n_rows) {
      throw std::out_of_range(fmt::format("predict: row {} of {}", row, ratings.n_rows));
    }
  }
  Predictor predictor(backend, model);
  const HiddenRows hidden = predictor.hidden(select_rows(ratings, rows));
  std::vector<float> outputs(rows.size() * static_cast<std::size_t>(model.shape.n_columns));
  const std::size_t block = static_cast<std::size_t>(kBatch * model.shape.n_columns);
  for (std::size_t done = 0; done < outputs.size(); done += block) {
    predictor.outputs(hidden, static_cast<std::int64_t>(done) / model.shape.n_columns,
                      std::span(outputs).subspan(done, std::min(block, outputs.size() - done)));
  }
  return outputs;
}

}  // namespace hourglass
