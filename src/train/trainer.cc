#include "hourglass/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
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
    const auto value = [bound](std::uint32_t word) { return (2 * uniform(word) - 1) * bound; };
    std::vector<float> weight, bias;
    weight.reserve(static_cast<std::size_t>(layer.n_inputs * layer.n_outputs));
    PhiloxBlock words;
    for (std::int64_t o = 0; o < layer.n_outputs; ++o) {
      for (std::int64_t first = 0; first < layer.n_inputs; first += kPhiloxBlock) {
        philox_block(seed, RandomPurpose::kInitialWeights, tensor, static_cast<std::uint32_t>(o),
                     static_cast<std::uint32_t>(first), words);
        const auto n = std::min<std::int64_t>(kPhiloxBlock, layer.n_inputs - first);
        std::transform(words[0].begin(), words[0].begin() + n, std::back_inserter(weight), value);
      }
    }
    ++tensor;
    for (std::int64_t o = 0; o < layer.n_outputs; ++o) {
      bias.push_back(value(philox(seed, RandomPurpose::kInitialWeights, tensor,
                                  static_cast<std::uint32_t>(o), 0)[0]));
    }
    ++tensor;
    model.weights.push_back(std::move(weight));
    model.biases.push_back(std::move(bias));
  }
  return model;
}

void start_at_column_means(Model& model, const CsrMatrix& ratings) {
  if (ratings.n_entries() == 0) return;
  const double mean = std::accumulate(ratings.values.begin(), ratings.values.end(), 0.0) /
                      static_cast<double>(ratings.n_entries());
  std::vector<float>& bias = model.biases.back();
  std::vector<double> sum(bias.size(), kMeanPenalty * mean), weight(bias.size(), kMeanPenalty);
  for (std::size_t e = 0; e < ratings.values.size(); ++e) {
    const auto column = static_cast<std::size_t>(ratings.columns[e]);
    sum[column] += ratings.values[e];
    weight[column] += 1;
  }
  for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = static_cast<float>(sum[c] / weight[c]);
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
  if (loss < best - min_delta) {
    best = loss;
    waited = 0;
    return true;
  }
  ++waited;
  return false;
}

namespace {

std::int32_t batch_size(const CsrMatrix& ratings, const TrainOptions& options) {
  return static_cast<std::int32_t>(std::min<std::int64_t>(options.batch_size, ratings.n_rows));
}

const CsrMatrix& not_empty(const CsrMatrix& ratings) {
  if (ratings.n_entries() == 0) throw Error("there is nothing to train on: no cell has a rating");
  return ratings;
}

}  // namespace

Trainer::Trainer(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
                 const CsrMatrix* holdout)
    : ratings_(&not_empty(ratings)),
      options_(options),
      holdout_(holdout != nullptr && holdout->n_entries() > 0 ? holdout : nullptr),
      batches_(backend, ratings, batch_size(ratings, options), ColumnRoom::kLater),
      holdout_batches_(holdout_ == nullptr
                           ? std::nullopt
                           : std::optional<EpochBatches>(std::in_place, backend, *holdout_,
                                                         batches_.batch_size())),
      losses_(backend, batches_.size()),
      penalties_(backend, batches_.size()),
      network_(backend,
               {.shape = options.shape,
                .objective = options.objective,
                .adam = options.adam,
                .sparsity = options.sparsity,
                .dropout = {options.dropout, options.seed},
                .max_batch = batches_.batch_size(),
                .max_batch_entries =
                    std::max(batches_.most_ratings(),
                             holdout_batches_ ? holdout_batches_->most_ratings() : 0),
                .output_path = options.output_path,
                .density = ratings.density(),
                .rates_others = holdout_ != nullptr}),
      rows_(static_cast<std::size_t>(ratings.n_rows)),
      early_{.min_delta = options.min_delta, .patience = options.patience} {
  std::iota(rows_.begin(), rows_.end(), 0);
  if (network_.takes_columns()) batches_.reserve_columns();
  if (holdout_ == nullptr && keeps_best()) {
    throw Error("--monitor holdout: no rating is held out; give --holdout or --split");
  }
}

void Trainer::start(const Model& model) {
  network_.load(model);
  early_ = {.min_delta = options_.min_delta, .patience = options_.patience};
  result_ = {};
  batch_ = n_steps_ = 0;
}

bool Trainer::done() const {
  return batch_ == 0 && (result_.epoch >= options_.epochs || early_.stop());
}

void Trainer::begin_epoch() {
  if (options_.shuffle) rows_ = shuffled_rows(ratings_->n_rows, options_.seed, result_.epoch + 1);
  batches_.start(rows_);
}

std::optional<EpochResult> Trainer::step() {
  if (batch_ == 0) begin_epoch();
  if (options_.objective == Objective::kAllCells || batches_.n_ratings(batch_) > 0) {
    network_.step(batches_, batch_, losses_.ptr() + n_steps_, penalties_.ptr() + n_steps_);
    ++n_steps_;
  }
  if (++batch_ < batches_per_epoch()) return std::nullopt;
  return end_epoch();
}

EpochResult Trainer::end_epoch() {
  const std::vector<double> losses = losses_.download();
  const std::vector<double> penalties = penalties_.download();
  double sum = 0, penalty_sum = 0;
  for (std::int64_t s = 0; s < n_steps_; ++s) {
    const double penalty = penalties[static_cast<std::size_t>(s)];
    const double loss = losses[static_cast<std::size_t>(s)] + penalty;
    if (!std::isfinite(loss)) {
      throw Error(
          fmt::format("the training diverged in epoch {}, step {}: the loss is not finite; "
                      "lower --learning-rate",
                      result_.epoch + 1, s + 1));
    }
    sum += loss;
    penalty_sum += penalty;
  }
  ++result_.epoch;
  result_.loss = sum / static_cast<double>(n_steps_);
  result_.penalty = penalty_sum / static_cast<double>(n_steps_);
  if (holdout_ != nullptr) result_.holdout = holdout_loss();
  result_.improved = early_.improved(keeps_best() ? *result_.holdout : result_.loss);
  result_.best = early_.best;
  if (result_.improved) {
    result_.best_epoch = result_.epoch;
    result_.loss_at_best = result_.loss;
    if (keeps_best()) network_.save(best_);
  }
  result_.stopped = early_.stop();
  batch_ = n_steps_ = 0;
  return result_;
}

double Trainer::holdout_loss() {
  network_.catch_up();
  holdout_batches_->start(rows_);
  std::vector<double> shares;
  for (std::int64_t batch = 0; batch < batches_per_epoch(); ++batch) {
    const std::int64_t n_targets = holdout_batches_->n_ratings(batch);
    shares.push_back(static_cast<double>(n_targets) / static_cast<double>(holdout_->n_entries()));
    if (n_targets > 0) {
      network_.rated_loss(batches_, *holdout_batches_, batch, losses_.ptr() + batch);
    }
  }
  const std::vector<double> losses = losses_.download();
  double loss = 0;
  for (std::size_t batch = 0; batch < shares.size(); ++batch) {
    if (shares[batch] > 0) loss += shares[batch] * losses[batch];
  }
  if (!std::isfinite(loss)) {
    throw Error(fmt::format("the training diverged by epoch {}: the loss of the held-out ratings "
                            "is not finite; lower --learning-rate",
                            result_.epoch));
  }
  return loss;
}

void Trainer::require_finite_weights() const {
  if (network_.weights_are_finite()) return;
  const std::int64_t epoch = batch_ == 0 ? result_.epoch : result_.epoch + 1;
  throw Error(
      fmt::format("the training diverged by epoch {}, step {}: a weight is not finite; "
                  "lower --learning-rate",
                  epoch, batch_ == 0 ? batches_per_epoch() : batch_));
}

void Trainer::save(Model& model) {
  network_.save(model);  // catches up first: weight decay can leave a row infinite only now
  require_finite_weights();
  if (keeps_best() && result_.best_epoch > 0) {  // else no epoch has ended
    model.weights = best_.weights;
    model.biases = best_.biases;
  }
}

EpochResult train(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
                  Model& model, const std::function<void(const EpochResult&)>& on_epoch) {
  Trainer trainer(backend, ratings, options);
  trainer.start(model);
  while (!trainer.done()) {
    if (const auto epoch = trainer.step()) on_epoch(*epoch);
  }
  trainer.save(model);
  return trainer.last_epoch();
}

}  // namespace hourglass
