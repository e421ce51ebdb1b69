#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hourglass/data/ratings.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/train/trainer.h"

namespace hourglass::cli {

/// What the command line of `train` says.
struct TrainCommand {
  std::string ratings, output;
  std::string objective = "all", init;
  bool no_shuffle = false;
  ReadOptions read;
  SyntheticOptions synthetic;
  TrainOptions train;
  // Of the run, not of its result:
  std::string device = "auto";
  int threads = 0;
  std::int64_t checkpoint_every = 0;  ///< epochs; 0: as often as costs little
  bool keep_checkpoint = false, resume = false, quiet = false;

  Ratings read_ratings() const;  ///< of the file, or the synthetic ones
};

/// Adds the options; the command must live as long as `app`.
void add_train_options(CLI::App& app, TrainCommand& command);

/// Of a new run: the sparse autoencoder's own default, where its weight alone is given.
void default_bottleneck(const CLI::App& app, TrainCommand& command);

/// The options that decide the result, by long name: what run.json keeps.
nlohmann::json recorded_options(const TrainCommand& command);

/// Makes `command` the continuation of a run whose recorded_options() are `recorded`: an option
/// that was not given takes the run's value. Throws UsageError for one that was given and differs;
/// --epochs and --patience may.
void continue_options(const CLI::App& app, const nlohmann::json& recorded, TrainCommand& command);

}  // namespace hourglass::cli
