#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cli/progress_bar.h"
#include "cli/stop_signals.h"
#include "cli/train_options.h"
#include "hourglass/data/hide_ratings.h"
#include "hourglass/train/run_folder.h"
#include "hourglass/train/run_log.h"

namespace hourglass::cli {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What the bottlenecks of one run share.
struct TrainingData {
  const Ratings& ratings;
  const CsrMatrix& given;          ///< of their matrix: what is trained on
  const CsrMatrix& hidden;         ///< what is held out
  const nlohmann::json& identity;  ///< for each model: digests, and how the ratings were held out
};

/// Writes checkpoints: every so many epochs, or so often that they take a twentieth of the time.
class Checkpoints {
 public:
  /// `training`: Trainer::save_checkpoint's.
  Checkpoints(std::filesystem::path path, std::string training, std::int64_t every)
      : path_(std::move(path)), training_(std::move(training)), every_(every) {}

  const std::string& training() const { return training_; }
  void after_epoch(std::int64_t epoch, Trainer& trainer, RunLog& log);
  void write(Trainer& trainer, RunLog& log);

 private:
  std::filesystem::path path_;
  std::string training_;
  std::int64_t every_;
  double cost_ = 0;  ///< seconds, the last time
  Clock::time_point written_ = Clock::now();
};

/// The training of one bottleneck, from its first weights or its checkpoint to its model.
class Training {
 public:
  /// `options` are the command's with this bottleneck; all arguments must outlive the training.
  Training(const TrainCommand& command, const TrainOptions& options, const TrainingData& data,
           const RunFolder& folder, Backend& backend);

  /// Trains to the end and writes the model; what came of it, for run.json, goes into `result`
  /// (which holds the seconds of earlier calls). Throws Interrupted, after the checkpoint, when a
  /// signal comes.
  void run(const StopSignals& signals, nlohmann::json& result);

  OutputPath output_path() const { return trainer_.output_path(); }

 private:
  void start();
  void train_to_the_end(const StopSignals& signals, RunLog& log);
  void tell(const EpochResult& epoch, double seconds, RunLog& log);
  [[noreturn]] void stop(int signal, RunLog& log);
  void save_model();
  nlohmann::json outcome() const;

  const TrainCommand& command_;
  const TrainOptions& options_;
  const TrainingData& data_;
  const RunFolder& folder_;
  const BottleneckFolder files_;
  Trainer trainer_;
  Checkpoints checkpoints_;
  ProgressBar bar_;
};

}  // namespace hourglass::cli
