#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/holdout.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/data/ratings.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/devices/device.h"
#include "hourglass/train/trainer.h"

namespace hourglass::cli {

template <>
const std::map<std::string, OutputPath>& choices();

/// What the command line of `train` says.
struct TrainCommand {
  std::string ratings, output;
  std::vector<int> bottlenecks = {64};
  std::string objective = "all", init, monitor = "training";
  bool no_shuffle = false;
  HoldoutOptions holdout;
  ReadOptions read;
  SyntheticOptions synthetic;
  TrainOptions train;
  // Of the run, not of its result:
  DeviceOptions device;
  std::int64_t checkpoint_every = 0;  ///< epochs; 0: as often as costs little
  bool keep_checkpoint = false, resume = false, force = false, quiet = false, json = false;

  Ratings read_ratings() const;  ///< of the file, or the synthetic ones
  TrainOptions options(int bottleneck) const;

  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet) tell(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
  }
};

/// Adds the options; the command must live as long as `app`.
void add_train_options(CLI::App& app, TrainCommand& command);

/// Of a new run: the sparse autoencoder's own default, where its weight alone is given.
void default_bottleneck(const CLI::App& app, TrainCommand& command);

/// The options that decide the result, by long name: what run.json keeps.
nlohmann::json recorded_options(const TrainCommand& command);

/// Throws Error for a file's name that run.json cannot keep: it is UTF-8, and --resume and evaluate
/// need the name to the byte.
void require_names_that_can_be_kept(const TrainCommand& command);

/// Throws UsageError where an option that decides the result is not as in `recorded`; bottlenecks
/// may differ.
void require_same_options(const nlohmann::json& recorded, const TrainCommand& command);

/// Makes `command` the continuation of a run whose recorded_options() are `recorded`: an option
/// that was not given takes the run's value. Throws UsageError for one that was given and differs;
/// --bottleneck, --epochs and --patience may. Throws Error for a value of the run's that the command
/// line would refuse.
void continue_options(CLI::App& app, const nlohmann::json& recorded, TrainCommand& command);

}  // namespace hourglass::cli
