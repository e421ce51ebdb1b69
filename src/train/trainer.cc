#include "hourglass/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"

namespace hourglass {

Model initial_model(const NetworkShape& shape, std::uint64_t seed) {
  Model model;
  model.shape = shape;
  std::uint32_t tensor = 0;
  for (const LayerShape& layer : shape.layers()) {
    const float bound = static_cast<float>(1 / std::sqrt(static_cast<double>(layer.n_inputs)));
    const auto draw = [&](std::int64_t row, std::int64_t column) {
      const auto words = philox(seed, RandomPurpose::kInitialWeights, tensor,
                                static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column));
      return (2 * uniform(words[0]) - 1) * bound;
    };
    std::vector<float> weight, bias;
    weight.reserve(static_cast<std::size_t>(layer.n_inputs * layer.n_outputs));
    for (std::int64_t o = 0; o < layer.n_outputs; ++o) {
      for (std::int64_t i = 0; i < layer.n_inputs; ++i) weight.push_back(draw(o, i));
    }
    ++tensor;
    for (std::int64_t o = 0; o < layer.n_outputs; ++o) bias.push_back(draw(o, 0));
    ++tensor;
    model.weights.push_back(std::move(weight));
    model.biases.push_back(std::move(bias));
  }
  return model;
}

std::vector<std::int32_t> shuffled_rows(std::int64_t n_rows, std::uint64_t seed,
                                        std::int64_t epoch) {
  std::vector<std::pair<std::uint32_t, std::int32_t>> keys(static_cast<std::size_t>(n_rows));
  for (std::size_t r = 0; r < keys.size(); ++r) {
    const auto row = static_cast<std::uint32_t>(r);
    keys[r] = {philox(seed, RandomPurpose::kShuffle, static_cast<std::uint32_t>(epoch), row, 0)[0],
               static_cast<std::int32_t>(row)};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::int32_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const auto& k) { return k.second; });
  return order;
}

bool EarlyStopping::improved(double loss) {
  if (loss < best_ - min_delta_) {
    best_ = loss;
    waited_ = 0;
    return true;
  }
  ++waited_;
  return false;
}

namespace {

/// An upper bound of any batch's ratings: those of the batch_size longest rows.
std::int64_t fullest_batch(const CsrMatrix& ratings, std::int64_t batch_size) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(ratings.n_rows));
  for (std::int64_t r = 0; r < ratings.n_rows; ++r) {
    lengths[static_cast<std::size_t>(r)] = ratings.row_length(r);
  }
  const auto n = std::min<std::ptrdiff_t>(batch_size, static_cast<std::ptrdiff_t>(lengths.size()));
  std::partial_sort(lengths.begin(), lengths.begin() + n, lengths.end(), std::greater<>());
  return std::accumulate(lengths.begin(), lengths.begin() + n, std::int64_t{0});
}

}  // namespace

EpochResult train(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
                  Model& model, const std::function<void(const EpochResult&)>& on_epoch) {
  if (ratings.n_entries() == 0) throw Error("there is nothing to train on: no cell has a rating");
  const bool rated_only = options.objective == Objective::kRatedCells;
  const auto batch_size =
      static_cast<std::int32_t>(std::min<std::int64_t>(options.batch_size, ratings.n_rows));
  const std::int64_t n_batches = (ratings.n_rows + batch_size - 1) / batch_size;
  Buffer<std::int64_t> row_offsets(backend, std::span<const std::int64_t>(ratings.row_offsets));
  Buffer<std::int32_t> columns(backend, std::span<const std::int32_t>(ratings.columns));
  Buffer<float> values(backend, std::span<const float>(ratings.values));
  Buffer<std::int32_t> order(backend, ratings.n_rows);
  Buffer<double> losses(backend, n_batches);
  Autoencoder network(backend, {.shape = options.shape,
                                .objective = options.objective,
                                .adam = options.adam,
                                .max_batch = batch_size,
                                .max_batch_entries = fullest_batch(ratings, batch_size)});
  network.load(model);

  const CsrPtr on_device = {row_offsets.ptr(), columns.ptr(), values.ptr(), ratings.n_rows,
                            ratings.n_columns};
  EarlyStopping early(options.min_delta, options.patience);
  EpochResult result;
  std::vector<std::int32_t> rows(static_cast<std::size_t>(ratings.n_rows));
  std::iota(rows.begin(), rows.end(), 0);
  while (result.epoch < options.epochs && !result.stopped) {
    ++result.epoch;
    if (options.shuffle) rows = shuffled_rows(ratings.n_rows, options.seed, result.epoch);
    order.upload(rows);
    std::int64_t n_steps = 0;
    for (std::int64_t first = 0; first < ratings.n_rows; first += batch_size) {
      const auto n =
          static_cast<std::int32_t>(std::min<std::int64_t>(batch_size, ratings.n_rows - first));
      std::int64_t n_ratings = 0;
      for (std::int32_t b = 0; b < n; ++b) {
        n_ratings += ratings.row_length(rows[static_cast<std::size_t>(first + b)]);
      }
      if (rated_only && n_ratings == 0) continue;
      network.step({on_device, order.ptr() + first, n}, n_ratings, losses.ptr() + n_steps);
      ++n_steps;
    }
    const std::vector<double> step_losses = losses.download();
    double sum = 0;
    for (std::int64_t s = 0; s < n_steps; ++s) {
      const double loss = step_losses[static_cast<std::size_t>(s)];
      if (!std::isfinite(loss)) {
        throw Error("the training diverged in epoch " + std::to_string(result.epoch) + ", step " +
                    std::to_string(s + 1) + ": the loss is not finite; lower --learning-rate");
      }
      sum += loss;
    }
    result.loss = sum / static_cast<double>(n_steps);
    result.improved = early.improved(result.loss);
    result.best = early.best();
    result.stopped = early.stop();
    on_epoch(result);
  }
  network.save(model);
  return result;
}

}  // namespace hourglass
