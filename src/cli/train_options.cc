#include "cli/train_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/device_options.h"
#include "cli/read_options.h"
#include "cli/synthetic_options.h"
#include "hourglass/core/error.h"

namespace hourglass::cli {
namespace {

constexpr const char* kSynthetic = "synthetic";

}  // namespace

template <>
const std::map<std::string, OutputPath>& choices() {
  static const std::map<std::string, OutputPath> words = {{"auto", OutputPath::kAuto},
                                                          {"gram", OutputPath::kGram},
                                                          {"direct", OutputPath::kDirect}};
  return words;
}

namespace {

/// use(long name, member) for each option that decides the result.
template <class Use>
void for_each_recorded(TrainCommand& c, const Use& use) {
  use("hidden", c.train.shape.hidden);
  use("bottleneck", c.bottlenecks);
  use("objective", c.objective);
  use("output-path", c.train.output_path);
  use("batch-size", c.train.batch_size);
  use("epochs", c.train.epochs);
  use("learning-rate", c.train.adam.learning_rate);
  use("weight-decay", c.train.adam.weight_decay);
  use("sparsity-weight", c.train.sparsity.weight);
  use("sparsity-target", c.train.sparsity.target);
  use("dropout", c.train.dropout);
  use("holdout", c.holdout.probability);
  use("split", c.holdout.split);
  use("monitor", c.monitor);
  use("min-delta", c.train.min_delta);
  use("patience", c.train.patience);
  use("seed", c.train.seed);
  use("init", c.init);
  use("no-shuffle", c.no_shuffle);
  if (c.ratings == kSynthetic) {
    for_each_synthetic_option(c.synthetic, use);
  } else {
    for_each_read_option(c.read, use);
  }
}

template <class T>
nlohmann::json to_json_value(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [word, meaning] : choices<T>()) {
      if (meaning == value) return word;
    }
  }
  return value;
}

/// As the command line would have it.
std::string to_text(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) return json.dump();
  if (json.empty()) return "none";
  std::string text;
  for (const nlohmann::json& value : json) text += (text.empty() ? "" : ",") + value.dump();
  return text;
}

template <class T>
void from_json_value(const nlohmann::json& json, T& value) {
  if constexpr (std::is_enum_v<T>) {
    value = choices<T>().at(json.get<std::string>());
  } else {
    json.get_to(value);
  }
}

/// "128,64" or "none".
void add_hidden(CLI::App& app, std::vector<int>& hidden) {
  app.add_option_function<std::vector<std::string>>(
         "--hidden",
         [&hidden](const std::vector<std::string>& words) {
           hidden.clear();
           if (words == std::vector<std::string>{"none"}) return;
           for (const std::string& word : words) {
             int width = 0;
             if (!CLI::detail::lexical_cast(word, width) || width < 1) {
               throw CLI::ValidationError("--hidden", word +
                                                          " is no width; it takes positive "
                                                          "numbers, or none");
             }
             hidden.push_back(width);
           }
         },
         "Widths of the hidden layers, outer first, or `none`")
      ->delimiter(',')
      ->type_name("INT,...")
      ->default_str(fmt::format("{}", fmt::join(hidden, ",")));
}

}  // namespace

Ratings TrainCommand::read_ratings() const {
  if (ratings == kSynthetic) {
    SyntheticOptions options = synthetic;
    options.seed = train.seed;
    return synthetic_ratings(options);
  }
  return hourglass::read_ratings(ratings, read);
}

TrainOptions TrainCommand::options(int bottleneck) const {
  TrainOptions options = train;
  options.shape.bottleneck = bottleneck;
  options.objective = objective == "all" ? Objective::kAllCells : Objective::kRatedCells;
  options.shuffle = !no_shuffle;
  options.monitor = monitor == "holdout" ? Monitor::kHoldout : Monitor::kTraining;
  return options;
}

void add_train_options(CLI::App& app, TrainCommand& command) {
  TrainOptions& train = command.train;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return app.add_option(name, value, help)->capture_default_str();
  };
  app.add_option("RATINGS", command.ratings,
                 "A wide or long file of ratings, or `synthetic`: the notebook's test matrix")
      ->required();
  app.add_option("--output", command.output, "Folder for the results")->required();
  add_hidden(app, train.shape.hidden);
  add("--bottleneck", command.bottlenecks,
      "Width of the code, or a sweep of widths; 10 with --sparsity-weight alone")
      ->delimiter(',')
      ->type_name("INT,...")
      ->default_str(fmt::format("{}", fmt::join(command.bottlenecks, ",")))
      ->check(CLI::PositiveNumber);
  add("--objective", command.objective,
      "Mean square over `all` cells, or over the `observed` (rated) ones; of these the output's "
      "biases start at the columns' mean ratings")
      ->check(CLI::IsMember({"all", "observed"}));
  app.add_option_function<std::string>(
         "--output-path",
         [&train](const std::string& word) {
           train.output_path = choices<OutputPath>().at(word);
         },
         "Products of the output layer, of --objective all: `gram` never forms the outputs, "
         "`direct` does; auto: what costs less, by the share of rated cells, the batch size and the "
         "hidden width")
      ->check(CLI::IsMember(choices<OutputPath>()))
      ->default_str(to_json_value(train.output_path));
  add("--batch-size", train.batch_size, "Rows of a mini-batch")->check(CLI::PositiveNumber);
  add("--epochs", train.epochs, "Epochs at most")->check(CLI::PositiveNumber);
  add("--learning-rate", train.adam.learning_rate, "Adam's learning rate")
      ->check(CLI::PositiveNumber);
  add("--weight-decay", train.adam.weight_decay, "Adam's L2 penalty, as torch.optim.Adam's")
      ->check(CLI::NonNegativeNumber);
  add("--sparsity-weight", train.sparsity.weight,
      "Weight of the KL penalty that keeps the code sparse; 0: none")
      ->check(CLI::NonNegativeNumber);
  add("--sparsity-target", train.sparsity.target, "Mean activation that the penalty pulls units to")
      ->check(CLI::Range(kSparsityClamp, 1 - kSparsityClamp));
  add("--dropout", train.dropout, "Probability that a rating is left out of a step's input")
      ->check(CLI::Range(0.0, 0.99));
  add("--holdout", command.holdout.probability,
      "Probability that a rating is held out: never trained on, for --monitor and evaluate")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--split", command.holdout.split,
                 "Hold out the ratings of this file (same ids; same reading options)");
  add("--monitor", command.monitor,
      "Loss that early stopping watches; with `holdout` the best epoch's weights are kept")
      ->check(CLI::IsMember({"training", "holdout"}));
  add("--min-delta", train.min_delta, "An epoch improves when it is better by more than this")
      ->check(CLI::NonNegativeNumber);
  add("--patience", train.patience, "Epochs without improvement that end the training")
      ->check(CLI::PositiveNumber);
  add("--seed", train.seed, "Seed of all random numbers");
  add_device_options(app, command.device);
  app.add_option("--init", command.init, "Start from the weights of this safetensors file");
  app.add_flag("--no-shuffle", command.no_shuffle, "Take the rows in their own order");
  add("--checkpoint-every", command.checkpoint_every,
      "Epochs between checkpoints; 0: as often as takes a twentieth of the time")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--keep-checkpoint", command.keep_checkpoint,
               "Keep the last checkpoint, so that --resume can add epochs");
  app.add_flag("--resume", command.resume,
               "Go on with the run in --output. Options that are not given are the run's");
  app.add_flag("--force", command.force, "Train bottlenecks anew that the run in --output has")
      ->excludes("--resume");
  app.add_flag("--quiet", command.quiet, "Print errors and the result only");
  app.add_flag("--json", command.json, "Print the results as JSON, for programs");
  add_synthetic_options(app, command.synthetic);
  add_read_options(app, command.read);
}

void default_bottleneck(const CLI::App& app, TrainCommand& command) {
  constexpr int kSparse = 10;  // the notebook's
  if (command.train.sparsity.weight > 0 && app.get_option("--bottleneck")->count() == 0) {
    command.bottlenecks = {kSparse};
  }
}

namespace {

/// For messages: what run.json has may be no UTF-8, or long.
std::string in_one_line(const nlohmann::json& json) {
  constexpr std::size_t kMaxBytes = 100;
  std::string text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMaxBytes) text.replace(kMaxBytes, text.npos, "...");
  return text;
}

}  // namespace

nlohmann::json recorded_options(const TrainCommand& command) {
  TrainCommand copy = command;
  auto options = nlohmann::json::object();
  for_each_recorded(
      copy, [&](const char* name, const auto& value) { options[name] = to_json_value(value); });
  return options;
}

void require_names_that_can_be_kept(const TrainCommand& command) {
  for (const auto& [option, name] :
       {std::pair("--split", command.holdout.split), std::pair("--init", command.init)}) {
    try {
      nlohmann::json(name).dump();
    } catch (const nlohmann::json::exception&) {
      throw Error(fmt::format("{} {}: its path is not UTF-8, so run.json cannot keep it; rename it, "
                              "or the folder",
                              option, name));
    }
  }
}

/// As run.json has it; none where it does not tell.
nlohmann::json recorded_value(const nlohmann::json& recorded, const std::string& name) {
  // Runs from before there was a choice.
  return recorded.value(name, name == "output-path" ? nlohmann::json("gram") : nlohmann::json());
}

void require_same_options(const nlohmann::json& recorded, const TrainCommand& command) {
  const nlohmann::json options = recorded_options(command);
  for (const auto& [name, value] : options.items()) {
    const nlohmann::json before = recorded_value(recorded, name);
    if (name == "bottleneck" || before == value) continue;
    throw UsageError(
        fmt::format("{}: holds a run in which --{} was {}, and it is {} now; go on with the run by "
                    "--resume, or choose another --output",
                    command.output, name, in_one_line(before), in_one_line(value)));
  }
}

void continue_options(CLI::App& app, const nlohmann::json& recorded, TrainCommand& command) {
  for_each_recorded(command, [&](const std::string& name, auto& value) {
    const bool free = name == "bottleneck" || name == "epochs" || name == "patience";
    const bool given = app.get_option("--" + name)->count() > 0;
    const nlohmann::json before = recorded_value(recorded, name);
    if (before.is_null()) {
      throw Error(
          fmt::format("{}: its run.json does not tell --{}, so the run cannot go on; train "
                      "anew into another folder",
                      command.output, name));
    }
    if (!given) {
      CLI::Option& option = *app.get_option("--" + name);
      try {
        // The same checks as on the command line. Not of separators: their words there are others,
        // and the reader knows what is one.
        if (name != "separator") {
          option.add_result(to_text(before));
          option.run_callback();
        }
        from_json_value(before, value);
        option.clear();  // it was not given
      } catch (const std::exception&) {  // of CLI11, of JSON, of a word that is no choice
        option.clear();
        throw Error(fmt::format("{}: its run.json has --{} as {}, which cannot be; train anew into "
                                "another folder",
                                command.output, name, in_one_line(before)));
      }
    } else if (!free && to_json_value(value) != before) {
      throw UsageError(
          fmt::format("--resume: --{} was {} in the run and is {} now; leave it out, or "
                      "train anew into another folder",
                      name, in_one_line(before), in_one_line(to_json_value(value))));
    }
  });
}

}  // namespace hourglass::cli
