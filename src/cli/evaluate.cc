#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/evaluation_table.h"
#include "cli/holdout.h"
#include "cli/model_input.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/core/create_folder.h"
#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"
#include "hourglass/data/select_rows.h"
#include "hourglass/devices/device.h"
#include "hourglass/evaluate/evaluation.h"
#include "hourglass/model/predictor.h"

namespace hourglass::cli {
namespace {

constexpr const char* kAllRows = "all";

struct EvaluateCommand {
  std::string model, ratings, output;
  double mask = 0.2;
  std::int64_t n_sampled = 100;
  std::string hidden = "masked", split, by = "row";
  EvaluationOptions evaluation;
  std::uint64_t seed = 42;
  bool json = false;
  ReadOptions read;
  DeviceOptions device;
};

/// A number of another type would be converted to whatever comes out.
std::uint64_t seed_of(const nlohmann::json& training) {
  const auto seed = training.find("seed");
  if (seed == training.end()) return 0;
  return seed->is_number_integer() ? seed->get<std::uint64_t>()
                                   : throw Error("the model tells no whole seed; train it anew");
}

/// What a model was trained on, as its file tells.
struct TrainedOn {
  std::string data_sha256, holdout_sha256;
  HoldoutOptions holdout;
  std::uint64_t seed = 0;
  std::string monitor, init;

  explicit TrainedOn(const Model& model) try
      : data_sha256(model.training.value("data_sha256", "")),
        holdout_sha256(model.training.value("holdout_sha256", "")),
        holdout{model.training.value("holdout", 0.0), model.training.value("split", "")},
        seed(seed_of(model.training)),
        monitor(model.training.value("monitor", "")),
        init(model.training.value("init", "")) {
  } catch (const nlohmann::json::exception&) {
    throw Error("the model's summary of its training is not as hourglass writes it; train it anew");
  }

  bool same_ratings(const TrainedOn& other) const {
    return data_sha256 == other.data_sha256 && holdout_sha256 == other.holdout_sha256;
  }
};

/// One call of `evaluate`.
class Evaluating {
 public:
  explicit Evaluating(const EvaluateCommand& command);
  void run();

 private:
  bool by_row() const { return command_.by == "row"; }
  SplitRatings split_as_trained(const TrainedOn& trained) const;
  SplitRatings split_off_file(const CsrMatrix& seen);
  SplitRatings hide(const TrainedOn& trained);
  void prepare(const Model& first);
  void add_models();
  void add_baselines();
  void write_files() const;

  const EvaluateCommand& command_;
  const std::vector<std::filesystem::path> paths_;
  Ratings ratings_;
  CsrMatrix fitted_on_;  ///< what the baselines are fitted on
  CsrMatrix others_;     ///< ratings that are neither given nor hidden here; no rows: none
  HiddenSample sample_;
  std::optional<Device> device_;  ///< opened once the sample stands
  EvaluationTable table_;
};

Evaluating::Evaluating(const EvaluateCommand& command)
    : command_(command),
      paths_(model_paths(command.model)),
      ratings_(read_ratings(command.ratings, command.read)) {}

SplitRatings Evaluating::split_as_trained(const TrainedOn& trained) const {
  SplitRatings split;
  try {
    if (!trained.holdout.split.empty()) require_regular_file(trained.holdout.split);
    split = hold_out(ratings_, trained.holdout, command_.read, trained.seed).split;
  } catch (const Error& error) {
    throw Error(fmt::format("the ratings that the training held out: {}", error.what()));
  }
  if (trained.holdout.any() && holdout_digest(ratings_, split.hidden) != trained.holdout_sha256) {
    throw Error(fmt::format("{}: its ratings are not those that the training held out",
                            trained.holdout.split));
  }
  return split;
}

/// Hides the ratings of --split from what was trained on, where none of them may be.
SplitRatings Evaluating::split_off_file(const CsrMatrix& seen) {
  Ratings trained_on = ratings_;
  trained_on.matrix = seen;
  HeldOut held = hold_out_file(trained_on, command_.split, command_.read);
  if (held.n_removed > 0) {
    throw Error(fmt::format("{}: {} of its ratings were trained on; give ratings that were not",
                            command_.split, held.n_removed));
  }
  table_.n_unknown = held.n_unknown;
  return std::move(held.split);
}

/// Decides what is hidden, and what the baselines may see.
SplitRatings Evaluating::hide(const TrainedOn& trained) {
  const bool same_data = trained.data_sha256 == digest(ratings_);
  const bool holdout = command_.hidden == "holdout", from_file = !command_.split.empty();
  if (holdout && !trained.holdout.any()) {
    throw Error(
        fmt::format("{}: was trained without held-out ratings; train with --holdout or "
                    "--split, or evaluate with --hidden masked",
                    paths_.front().string()));
  }
  if ((holdout || from_file) && !same_data) {
    throw Error(
        fmt::format("{}: these are not the ratings that the model was trained on, so "
                    "which ones it has not seen is unknown",
                    command_.ratings));
  }
  if (holdout) {
    SplitRatings split = split_as_trained(trained);
    fitted_on_ = split.given;
    table_.title = "Held-out ratings (never trained on)";
    if (trained.monitor == "holdout") {
      table_.warning =
          "these ratings chose the epoch (train --monitor holdout), which flatters the "
          "models; evaluate --split, on a file that training never saw, does not";
    } else if (!trained.init.empty()) {
      table_.warning = fmt::format(
          "the training began with the weights of {}: whether those had "
          "seen the held-out ratings is unknown",
          in_one_line(trained.init));
    }
    return split;
  }
  CsrMatrix seen = ratings_.matrix;
  if (same_data) {
    SplitRatings as_trained = split_as_trained(trained);
    seen = std::move(as_trained.given);
    others_ = std::move(as_trained.hidden);
  }
  if (from_file) {
    table_.hidden = "split";
    table_.title = fmt::format("Held-out ratings of {} (never trained on)", command_.split);
    fitted_on_ = seen;
    return split_off_file(seen);
  }
  SplitRatings split = hide_ratings(seen, command_.mask, command_.seed, RandomPurpose::kMask);
  fitted_on_ = same_data ? seen : split.given;
  table_.title = same_data ? "Masked ratings (seen in training)"
                           : "Masked ratings (of other data than the training's)";
  table_.warning =
      same_data ? "the model has seen these ratings in training: evaluate --hidden holdout, "
                  "after train --holdout, says how it does on ratings that it has not"
                : "the ratings are not those that the model was trained on; whether it has seen "
                  "the hidden ones is unknown, and the baselines are fitted on the given ones";
  table_.mask = command_.mask;
  return split;
}

void Evaluating::prepare(const Model& first) {
  table_.within = by_row() ? "row" : "column";
  table_.hidden = command_.hidden;
  SplitRatings split = hide(TrainedOn(first));
  table_.title += fmt::format(", order within a {}", table_.within);
  // The split is by place in the file, so it comes first: the same for every model.
  fitted_on_ = align_to(first, fitted_on_, ratings_.column_ids, command_.read);
  split.given = align_columns(split.given, ratings_.column_ids, first.column_ids).matrix;
  split.hidden = align_columns(split.hidden, ratings_.column_ids, first.column_ids).matrix;
  sample_ = draw_sample(split, command_.n_sampled, command_.seed);
  if (others_.n_rows > 0) {
    const CsrMatrix others = align_columns(others_, ratings_.column_ids, first.column_ids).matrix;
    sample_.others = select_rows(others, sample_.rows);
  }
  table_.k = command_.evaluation.k;
  table_.threshold = command_.evaluation.threshold;
  table_.seed = command_.seed;
  table_.n_rows = sample_.given.n_rows;
  table_.n_columns = sample_.given.n_columns;
  table_.n_hidden = sample_.hidden.n_entries();
  table_.n_ranked = count_ranked(sample_, command_.evaluation.within);
  table_.hidden_ratings = distribution_of_hidden(sample_);
}

void Evaluating::add_models() {
  std::optional<TrainedOn> first;
  IdList column_ids;
  for (const std::filesystem::path& path : paths_) {
    const Model model = load_model(path);
    if (!device_) {
      prepare(model);
      first.emplace(model);
      column_ids = model.column_ids;
      device_ = open_device(command_.device);
    } else if (!(model.column_ids == column_ids) || !first->same_ratings(TrainedOn(model))) {
      throw Error(
          fmt::format("{}: has other columns than {}, or was trained on other ratings, so "
                      "the two cannot stand in one table; evaluate each alone",
                      path.string(), paths_.front().string()));
    }
    require_memory_to_predict(*device_->backend, model, sample_.given.n_rows);
    Predictor predictor(*device_->backend, model);
    Scorer scorer(predictor, sample_.given);
    table_.rows.push_back({fmt::format("k={}", model.shape.bottleneck), model.shape.bottleneck,
                           evaluate(scorer, sample_, command_.evaluation)});
  }
}

void Evaluating::add_baselines() {
  const Baselines baselines(fitted_on_);
  Backend& backend = *device_->backend;
  backend.set_math(Math::kFp32);  // means and counts are products here, and no model's
  const auto add = [&](const char* name, Scorer scorer) {
    table_.rows.push_back({name, {}, evaluate(scorer, sample_, command_.evaluation)});
  };
  add("global mean", baselines.global_mean(backend, sample_.rows));
  add("row and column biases", baselines.biases(backend, sample_.rows));
  add("popularity", by_row() ? baselines.popularity_within_rows(backend, sample_.rows)
                             : baselines.popularity_within_columns(backend, sample_.rows));
}

void Evaluating::write_files() const {
  std::filesystem::path folder = command_.output;
  if (folder.empty()) {
    if (!std::filesystem::is_directory(command_.model)) return;
    folder = command_.model;
  }
  create_folder(folder);
  table_.write_files(folder);
}

void Evaluating::run() {
  add_models();
  add_baselines();
  if (!table_.warning.empty()) tell("warning: {}\n", table_.warning);
  if (command_.json) {
    print(table_.to_json());
  } else {
    print(table_.to_text());
  }
  write_files();  // last: a folder that cannot be written loses no results
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto command = std::make_shared<EvaluateCommand>();
  CLI::App* sub = app.add_subcommand(
      "evaluate", "Hide ratings, predict them from the others, and say how well");
  const auto add = [&](const char* name, auto& value, const char* help) {
    return sub->add_option(name, value, help)->capture_default_str();
  };
  sub->add_option("RUN_OR_MODEL", command->model,
                  "Folder of a run (every finished bottleneck of it), or a model.safetensors")
      ->required();
  sub->add_option("RATINGS", command->ratings, "The ratings: the file that it was trained on")
      ->required();
  add("--hidden", command->hidden,
      "`masked`: hide each rating with the probability --mask, as the notebook does (the model "
      "has seen them); `holdout`: those that train --holdout or --split kept from the model")
      ->check(CLI::IsMember({"masked", "holdout"}));
  CLI::Option* split = sub->add_option(
      "--split", command->split,
      "Hide nothing of RATINGS, but predict the ratings of this file, none of which "
      "was trained on");
  split->excludes("--hidden");
  CLI::Option* mask =
      add("--mask", command->mask, "Of --hidden masked: probability that a rating is hidden");
  mask->check(CLI::Range(0.0, 1.0));
  mask->excludes(split);
  sub->add_option_function<std::string>(
         "--sample",
         [command](const std::string& word) {
           std::int64_t& n = command->n_sampled;
           const char* end = word.data() + word.size();
           if (word == kAllRows) {
             n = std::numeric_limits<std::int64_t>::max();
             return;
           }
           const auto [parsed, fault] = std::from_chars(word.data(), end, n);
           if (fault != std::errc() || parsed != end || n < 0) {
             throw CLI::ValidationError("--sample", "takes a number of rows, or all");
           }
         },
         "Number of rows, or `all`")
      ->type_name("N|all")
      ->default_str("100");
  add("--by", command->by,
      "Put in order the columns of each `row`, or the sample's rows for each `column`")
      ->check(CLI::IsMember({"row", "column"}));
  add("--k", command->evaluation.k, "Length of the rankings")->check(CLI::PositiveNumber);
  add("--threshold", command->evaluation.threshold,
      "Count the predictions above this (the notebook's Masked Value Count)");
  add("--seed", command->seed, "Seed of the sample and the masks");
  sub->add_option("--output", command->output,
                  "Folder for the table as CSV and JSON; default: the run's");
  sub->add_flag("--json", command->json, "Print JSON, for programs");
  add_device_options(*sub, command->device);
  add_read_options(*sub, command->read);
  sub->callback([command, mask] {
    if (command->hidden == "holdout" && mask->count() > 0) {
      throw UsageError("--mask is of --hidden masked; what training held out is not masked");
    }
    command->evaluation.within = command->by == "row" ? RankWithin::kRow : RankWithin::kColumn;
    Evaluating(*command).run();
  });
}

}  // namespace hourglass::cli
