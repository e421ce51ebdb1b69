#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/autoencoder.h"

namespace hourglass {

/// nn.Linear's default start: weights and biases uniform in +-1/sqrt(fan_in), by Philox.
Model initial_model(const NetworkShape& shape, std::uint64_t seed);

/// For Objective::kRatedCells: starts each output's bias at its column's mean rating, drawn to the
/// mean mu of all as if kMeanPenalty ratings more were mu (Koren 2010, section 2.1). From 0, Adam
/// moves a bias by a learning rate a step at most, and the rest of the network learns the offset
/// meanwhile: on goodbooks the held-out RMSE then ends at 0.92 instead of 0.87.
void start_at_column_means(Model& model, const CsrMatrix& ratings);
inline constexpr double kMeanPenalty = 10;

/// The rows in the order of one epoch (from 1): sorted by (Philox(shuffle, epoch, row), row).
std::vector<std::int32_t> shuffled_rows(std::int64_t n_rows, std::uint64_t seed,
                                        std::int64_t epoch);

/// Whose loss early stopping watches.
enum class Monitor {
  kTraining,  ///< the epoch's own, the penalty included: the notebook's
  kHoldout,   ///< the held-out ratings'; the weights of the best epoch are the ones kept
};

/// The notebook's: an epoch improves when its loss is below best - min_delta; `patience` epochs in
/// a row that do not improve end the training.
struct EarlyStopping {
  double min_delta = 0;
  std::int64_t patience = 0;
  double best = std::numeric_limits<double>::infinity();
  std::int64_t waited = 0;  ///< epochs since the best

  /// Takes an epoch's loss; whether it improved.
  bool improved(double loss);
  bool stop() const { return waited >= patience; }
};

struct TrainOptions {
  NetworkShape shape;
  Objective objective = Objective::kAllCells;
  AdamOptions adam;
  SparsityOptions sparsity = {};
  OutputPath output_path = OutputPath::kAuto;
  double dropout = 0;  ///< probability that a rating is left out of a step's input
  std::int32_t batch_size = 128;
  std::int64_t epochs = 1000;
  double min_delta = 1e-4;
  std::int64_t patience = 10;
  std::uint64_t seed = 42;
  bool shuffle = true;
  Monitor monitor = Monitor::kTraining;
};

struct EpochResult {
  std::int64_t epoch = 0;  ///< from 1; 0: none has ended yet
  double loss = 0;         ///< mean of the batches' losses, the penalty included
  double penalty = 0;      ///< of it, the sparsity penalty
  /// Mean square over the held-out ratings, each predicted from its row's others; where there are
  /// any.
  std::optional<double> holdout = {};
  double best = 0;              ///< of the loss that early stopping watches
  std::int64_t best_epoch = 0;  ///< the last that improved
  double loss_at_best = 0;      ///< `loss` of that epoch, whichever loss was watched
  bool improved = false;
  bool stopped = false;  ///< early stopping ends the training here
};

/// A training on the rows of `ratings`, a mini-batch at a time: shuffled rows, the last batch
/// smaller and kept; of rated cells only, a batch that has none makes no step and does not enter
/// the epoch's mean. Between any two batches it can be saved as a checkpoint, from which another
/// Trainer of the same ratings and options (epochs and patience may differ) goes on to the same
/// bits.
class Trainer {
 public:
  /// Neither the backend nor the ratings are copied: they must outlive the trainer. `holdout` holds
  /// ratings of the same rows and columns that are watched and never trained on; without any it may
  /// be null. Throws Error where there is nothing to train on, or nothing to watch for
  /// Monitor::kHoldout.
  Trainer(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
          const CsrMatrix* holdout = nullptr);

  /// Begins with the weights of `model`.
  void start(const Model& model);
  /// Begins where save_checkpoint() was. Throws Error for a file that is damaged, of another
  /// network, or of another `training` than it was saved with.
  void resume(const std::filesystem::path& checkpoint, std::string_view training = "");

  /// Between epochs, with all of them made or stopped early.
  bool done() const;
  /// The next mini-batch; the epoch's result where it was the last of one. Throws Error, naming
  /// epoch and step, where a loss of the epoch is not finite.
  std::optional<EpochResult> step();

  const EpochResult& last_epoch() const { return result_; }
  /// The one taken, of Objective::kAllCells: never kAuto.
  OutputPath output_path() const { return network_.output_path(); }
  std::int64_t batches_done() const { return batch_; }  ///< of the epoch under way
  std::int64_t batches_per_epoch() const { return batches_.size(); }
  StepSizes step_sizes() const { return network_.step_sizes(); }

  /// Writes the state, whole or not at all. Throws Error where the disk refuses and where a weight
  /// is not finite: a checkpoint that was there stays. `training` names what decides this
  /// training's bits (ratings, options), in UTF-8: of those only shapes can be compared otherwise.
  void save_checkpoint(const std::filesystem::path& path, std::string_view training = "");
  /// The weights as they are now; with Monitor::kHoldout those of the best epoch. Throws Error
  /// where one is not finite.
  void save(Model& model);

 private:
  void begin_epoch();
  EpochResult end_epoch();
  void require_finite_weights() const;
  double holdout_loss();
  void load_best(const SafetensorsFile& file);
  bool keeps_best() const { return options_.monitor == Monitor::kHoldout; }

  const CsrMatrix* ratings_;
  TrainOptions options_;
  const CsrMatrix* holdout_;  ///< null: there is none
  EpochBatches batches_;
  std::optional<EpochBatches> holdout_batches_;
  Buffer<double> losses_;     ///< [batches]: of this epoch's steps, without the penalty
  Buffer<double> penalties_;  ///< [batches] likewise; zeros where there is none
  Autoencoder network_;
  std::vector<std::int32_t> rows_;  ///< in this epoch's order
  EarlyStopping early_;
  Model best_;                ///< weights of the best epoch, where they are kept
  EpochResult result_;        ///< of the last epoch that ended
  std::int64_t batch_ = 0;    ///< batches of the epoch under way that are done
  std::int64_t n_steps_ = 0;  ///< of them, those that made a step
};

/// What a training takes, in bytes.
struct TrainingMemory {
  std::size_t backend = 0;  ///< of the backend's memory
  /// At most, of the host's beside it: the model on its way in and out, what operations hold.
  std::size_t host = 0;
};

/// Of such a Trainer, from start() to the file of the model, on a backend like this one.
/// `column_ids`: those that the file will have.
TrainingMemory training_memory(const Backend& like, const CsrMatrix& ratings,
                               const TrainOptions& options, const CsrMatrix* holdout = nullptr,
                               const IdList& column_ids = {});

/// Trains `model` in place to the end; on_epoch hears of each epoch.
EpochResult train(Backend& backend, const CsrMatrix& ratings, const TrainOptions& options,
                  Model& model, const std::function<void(const EpochResult&)>& on_epoch);

}  // namespace hourglass
