#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass {

/// nn.Linear's default start: weights and biases uniform in +-1/sqrt(fan_in), by Philox.
Model initial_model(const NetworkShape& shape, std::uint64_t seed);

/// The rows in the order of one epoch (from 1): sorted by (Philox(shuffle, epoch, row), row).
std::vector<std::int32_t> shuffled_rows(std::int64_t n_rows, std::uint64_t seed,
                                        std::int64_t epoch);

/// The notebook's: an epoch improves when its loss is below best - min_delta; `patience` epochs in a
/// row that do not improve end the training.
class EarlyStopping {
 public:
  EarlyStopping(double min_delta, std::int64_t patience)
      : min_delta_(min_delta), patience_(patience) {}
  /// Takes an epoch's loss; whether it improved.
  bool improved(double loss);
  bool stop() const { return waited_ >= patience_; }
  double best() const { return best_; }

 private:
  double min_delta_;
  std::int64_t patience_;
  double best_ = std::numeric_limits<double>::infinity();
  std::int64_t waited_ = 0;
};

struct TrainOptions {
  NetworkShape shape;
  Objective objective = Objective::kAllCells;
  AdamOptions adam;
  std::int32_t batch_size = 128;
  std::int64_t epochs = 1000;
  double min_delta = 1e-4;
  std::int64_t patience = 10;
  std::uint64_t seed = 42;
  bool shuffle = true;
};

struct EpochResult {
  std::int64_t epoch = 0;  ///< from 1
  double loss = 0;         ///< mean of the batches' losses
  double best = 0;
  bool improved = false;
  bool stopped = false;  ///< early stopping ends the training here
};

/// Trains `model` in place on the rows of `ratings`, epoch by epoch; on_epoch hears of each.
/// Mini-batches of shuffled rows, the last one smaller and kept; of rated cells only, a batch that
/// has none makes no step and does not enter the mean. Throws Error, naming epoch and step, where a
/// loss is not finite, and where there is nothing to train on.
EpochResult train(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
                  Model& model, const std::function<void(const EpochResult&)>& on_epoch);

}  // namespace hourglass
