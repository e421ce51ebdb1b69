#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/histogram_json.h"
#include "cli/run_record.h"
#include "cli/stop_signals.h"
#include "cli/streams.h"
#include "cli/sweep_results.h"
#include "cli/train_options.h"
#include "cli/training.h"
#include "cli/training_device.h"
#include "hourglass/core/atomic_file.h"
#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"
#include "hourglass/devices/device.h"

namespace hourglass::cli {
namespace {

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// One call of `train`, from the command line to the models.
class Run {
 public:
  Run(CLI::App& app, TrainCommand& command);
  void train();

 private:
  void take_up_run(CLI::App& app);
  void describe_run();
  /// The bottlenecks of this call that are not finished. Throws Error for one that cannot go on.
  std::vector<int> unfinished() const;
  bool is_finished(int bottleneck, const nlohmann::json& result) const;
  void clear_folders(const std::vector<int>& bottlenecks);
  void train_all(const std::vector<int>& bottlenecks);
  void train_one(int bottleneck, Backend& backend, const StopSignals& signals);
  void check_device(const Backend& backend) const;
  void write_outcome(const char* outcome);
  void end();
  void print_results() const;
  /// What is trained on.
  const CsrMatrix& given() const {
    return command_.holdout.any() ? held_.split.given : ratings_.matrix;
  }
  TrainingData training_data() const { return {ratings_, given(), held_.split.hidden, identity_}; }

  TrainCommand& command_;
  const Clock::time_point began_ = Clock::now();
  RunFolder folder_;
  FileDescriptor lock_;
  nlohmann::json before_;                             ///< run.json as it was; null: there was none
  nlohmann::json record_ = nlohmann::json::object();  ///< run.json
  SweepResults results_;
  Ratings ratings_;
  HeldOut held_;  ///< with a holdout
  nlohmann::json identity_;
};

Run::Run(CLI::App& app, TrainCommand& command)
    : command_(command), folder_(RunFolder::create(command.output)), lock_(folder_.lock()) {
  if (folder_.has_run()) {
    take_up_run(app);
  } else {
    default_bottleneck(app, command_);
    if (command_.resume) {
      command_.say("{}: holds no run to go on with; this is its beginning\n", command.output);
    }
  }
  std::vector<int>& bottlenecks = command_.bottlenecks;
  std::sort(bottlenecks.begin(), bottlenecks.end());
  bottlenecks.erase(std::unique(bottlenecks.begin(), bottlenecks.end()), bottlenecks.end());
  if (command_.holdout.probability > 0 && !command_.holdout.split.empty()) {
    throw UsageError("--holdout and --split each hold ratings out: give one of them");
  }
  if (command_.resume && !command_.holdout.split.empty()) {
    require_regular_file(command_.holdout.split);  // it may be run.json that names it
  }
  if (command_.objective != "all" && command_.train.output_path != OutputPath::kAuto) {
    throw UsageError(
        "--output-path is of --objective all: of observed cells no other output is formed");
  }
  require_names_that_can_be_kept(command_);
  ratings_ = command_.read_ratings();
  if (command_.holdout.any()) {
    held_ = hold_out(ratings_, command_.holdout, command_.read, command_.train.seed);
  }
  if (held_.n_unknown > 0) {
    command_.say("{}: {} ratings are of unknown rows or columns and left out\n",
                 command_.holdout.split, held_.n_unknown);
  }
  command_.train.shape.n_columns = ratings_.matrix.n_columns;
  for (const int bottleneck : command_.bottlenecks) {
    command_.options(bottleneck).shape.validate();
  }
  describe_run();
  check_column_ids_fit(folder_.path(), ratings_.column_ids);
}

void Run::take_up_run(CLI::App& app) {
  before_ = folder_.read_run();
  require_record_of_run(before_, folder_.run_json());
  results_ = SweepResults::from_json(before_.value("results", nlohmann::json::array()));
  if (command_.resume) {
    continue_options(app, before_["options"], command_);
    return;
  }
  default_bottleneck(app, command_);
  if (!command_.force) {
    require_same_options(before_["options"], command_);
    return;
  }
  for (const int bottleneck : command_.bottlenecks) results_.erase(bottleneck);
  if (!results_.empty()) {  // what stays must be of the same run
    require_same_options(before_["options"], command_);
  } else {
    before_ = nullptr;
  }
}

void Run::describe_run() {
  const std::string data_digest = digest(ratings_);
  identity_ = {{"data_sha256", data_digest},
               {"seed", command_.train.seed},
               {"monitor", command_.monitor},
               {"init", command_.init},
               {"transpose", command_.read.transpose}};
  if (command_.holdout.any()) {
    identity_["holdout"] = command_.holdout.probability;
    identity_["split"] = command_.holdout.split;
    identity_["holdout_sha256"] = holdout_digest(ratings_, held_.split.hidden);
  }
  if (!before_.is_null()) {
    const auto digest_before = [&](const char* key) {
      return before_.value(key, nlohmann::json::object()).value("sha256", "");
    };
    if (digest_before("data") != data_digest) {
      throw Error(
          fmt::format("{}: these are not the ratings of the run in {}; name the run's own "
                      "({}), or train anew into another folder",
                      command_.ratings, command_.output,
                      before_["data"].value("path", "whose name it does not tell")));
    }
    if (command_.holdout.any() && digest_before("holdout") != identity_["holdout_sha256"]) {
      throw Error(
          fmt::format("{}: its ratings are not those that the run in {} held out; train "
                      "anew into another folder",
                      command_.holdout.split, command_.output));
    }
    record_ = before_;
    record_.erase("error");
  }
  const CsrMatrix& matrix = ratings_.matrix;
  record_["version"] = HOURGLASS_VERSION;
  record_["data"] = {{"path", command_.ratings},
                     {"sha256", data_digest},
                     {"rows", matrix.n_rows},
                     {"columns", matrix.n_columns},
                     {"ratings", matrix.n_entries()},
                     {"row_name", ratings_.row_name},
                     {"histogram", to_json(histogram(matrix.values))}};
  if (command_.holdout.any()) {
    record_["holdout"] = {{"ratings", held_.split.hidden.n_entries()},
                          {"sha256", identity_["holdout_sha256"]}};
  }
  record_["options"] = recorded_options(command_);
  std::set<int> all(command_.bottlenecks.begin(), command_.bottlenecks.end());
  if (!before_.is_null()) {
    const auto before = before_["options"].value("bottleneck", std::vector<int>{});
    all.insert(before.begin(), before.end());
  }
  record_["options"]["bottleneck"] = all;
}

bool Run::is_finished(int bottleneck, const nlohmann::json& result) const {
  const BottleneckFolder files = folder_.bottleneck(bottleneck);
  if (result.value("outcome", "") != "done" || !std::filesystem::exists(files.model())) {
    return false;
  }
  const bool stopped = result.value("stopped_early", false);
  const std::int64_t epochs = result.value("epochs", std::int64_t{0});
  const bool more = stopped ? command_.train.patience > result.value("patience", std::int64_t{0})
                            : command_.train.epochs > epochs;
  if (!more) return true;
  if (!command_.resume) {
    throw Error(
        fmt::format("{}: k={} is done, after {} epochs, and more are asked for now; go on "
                    "by --resume, or train it anew with --force",
                    command_.output, bottleneck, epochs));
  }
  if (std::filesystem::exists(files.checkpoint())) return false;
  throw Error(
      fmt::format("{}: k={} is done, after {} epochs, and its checkpoint is gone; train "
                  "anew with --init {} or, another time, with --keep-checkpoint",
                  command_.output, bottleneck, epochs, files.model().string()));
}

std::vector<int> Run::unfinished() const {
  std::vector<int> bottlenecks;
  for (const int bottleneck : command_.bottlenecks) {
    const nlohmann::json* result = results_.find(bottleneck);
    if (result != nullptr && is_finished(bottleneck, *result)) {
      command_.say("k={} is done: there is nothing left to do\n", bottleneck);
      continue;
    }
    if (result != nullptr && !command_.resume) {
      throw Error(
          fmt::format("{}: holds a run whose k={} was begun and is not finished; go on "
                      "with it by --resume, or train it anew with --force",
                      command_.output, bottleneck));
    }
    bottlenecks.push_back(bottleneck);
  }
  return bottlenecks;
}

void Run::check_device(const Backend& backend) const {
  const std::string& math = command_.device.math;
  const std::string before =
      record_.value("device", backend.kind()) + " in " + record_.value("math", math);
  const std::string now = backend.kind() + " in " + math;
  if (before != now) {
    command_.say(
        "the run was on {} and goes on on {}: its bits will not be those of an "
        "uninterrupted run\n",
        in_one_line(before), now);
  }
}

void Run::write_outcome(const char* outcome) {
  record_["outcome"] = outcome;
  record_["results"] = results_.to_json();
  // First: a run.json that says "done" is the last word, after which nobody writes the others.
  results_.write_csv(folder_.path() / "results.csv");
  folder_.write_run(record_);
}

/// run.json tells of every folder k=.../ that is ours. Of one that it does not tell of, the weights
/// and the checkpoint may be those of other options: they must go before anybody takes them up.
void Run::clear_folders(const std::vector<int>& bottlenecks) {
  for (const int bottleneck : bottlenecks) {
    const std::filesystem::path path = folder_.bottleneck(bottleneck).path;
    if (results_.find(bottleneck) != nullptr || !std::filesystem::exists(path)) continue;
    if (!command_.force) {
      throw Error(
          fmt::format("{}: is there, but run.json does not tell of it; remove it, train it "
                      "anew with --force, or choose another --output",
                      path.string()));
    }
    write_outcome("running");  // first: no kill may leave an old model that run.json tells of
    std::filesystem::remove_all(path);
  }
}

void Run::train_one(int bottleneck, Backend& backend, const StopSignals& signals) {
  const TrainOptions options = command_.options(bottleneck);
  nlohmann::json& result = results_.at(bottleneck);
  result["parameters"] = options.shape.n_parameters();
  const BottleneckFolder files = folder_.bottleneck(bottleneck);
  const TrainingData data = training_data();
  Training training(command_, options, data, folder_, backend);
  command_.say("k={}: network {}; {} parameters", bottleneck, to_string(options.shape),
               options.shape.n_parameters());
  if (options.objective == Objective::kAllCells) {
    const bool direct = training.output_path() == OutputPath::kDirect;
    result["output_path"] = direct ? "direct" : "gram";
    command_.say("; output layer: {}, {:.3g} % of the cells are rated",
                 direct ? "direct products" : "one pass by Gram matrices", 100 * given().density());
  }
  command_.say("\n");
  result["outcome"] = "running";
  write_outcome("running");
  try {
    training.run(signals, result);
  } catch (const Interrupted&) {
    result["outcome"] = "interrupted";
    write_outcome("interrupted");
    throw;
  } catch (const std::exception& error) {
    record_["error"] = error.what();
    result["outcome"] = "failed";
    try {
      write_outcome("failed");
    } catch (const Error&) {  // the first error says more: a full disk refuses this one too
    }
    throw;
  }
  result["outcome"] = "done";
  result["checkpoint_kept"] = command_.keep_checkpoint;
  write_outcome("running");
  if (!command_.keep_checkpoint) remove_file(files.checkpoint());
}

/// Tells that the run has come to its end, also for a call that was killed before it could.
void Run::end() {
  for (const int bottleneck : command_.bottlenecks) {
    const nlohmann::json* result = results_.find(bottleneck);
    const bool kept = result == nullptr || result->value("checkpoint_kept", true);
    if (!kept) remove_file(folder_.bottleneck(bottleneck).checkpoint());
  }
  const char* outcome = results_.all_done() ? "done" : "interrupted";
  if (record_.value("outcome", "") != outcome) write_outcome(outcome);
}

void Run::print_results() const {
  if (command_.json) {
    nlohmann::json json = {{"run", command_.output}, {"results", results_.to_json()}};
    for (nlohmann::json& result : json["results"]) {
      result["model"] = folder_.bottleneck(result["bottleneck"]).model().string();
    }
    print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  for (const int bottleneck : command_.bottlenecks) {
    print("{}\n", folder_.bottleneck(bottleneck).model().string());
  }
}

void Run::train_all(const std::vector<int>& bottlenecks) {
  const TrainingData data = training_data();
  const Device device = open_training_device(command_, data, std::ranges::max(bottlenecks));
  if (!device.why.empty()) command_.say("device: cpu, as {}\n", device.why);
  Backend& backend = *device.backend;
  check_device(backend);
  const CsrMatrix& matrix = ratings_.matrix;
  command_.say("{} rows x {} columns, {} ratings", matrix.n_rows, matrix.n_columns,
               matrix.n_entries());
  if (command_.holdout.any()) {
    command_.say(" ({} held out)", held_.split.hidden.n_entries());
  }
  command_.say("; {}\n", backend.description());
  if (command_.holdout.any() && !command_.init.empty()) {
    command_.say("warning: if {} was trained on ratings that are held out here, they are no test\n",
                 command_.init);
  }
  record_["device"] = backend.kind();
  record_["math"] = command_.device.math;
  record_["device_description"] = backend.description();
  const StopSignals signals;
  for (const int bottleneck : bottlenecks) {
    train_one(bottleneck, backend, signals);
    if (signals.received() != 0 && bottleneck != bottlenecks.back()) {
      write_outcome("interrupted");
      throw Interrupted(
          signals.received(),
          fmt::format("stopped after k={}; the same command with --resume goes on", bottleneck));
    }
  }
  record_["seconds"] = record_.value("seconds", 0.0) + seconds_since(began_);
  record_["peak_mib"] = peak_mib();
  end();
  command_.say("{:.2f} s in all, peak memory {:.0f} MiB\n", seconds_since(began_), peak_mib());
}

void Run::train() {
  const std::vector<int> bottlenecks = unfinished();
  clear_folders(bottlenecks);
  if (bottlenecks.empty()) {
    end();
  } else {
    train_all(bottlenecks);
  }
  if (command_.bottlenecks.size() > 1) command_.say("\n{}", results_.table());
  print_results();
}

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub =
      app.add_subcommand("train", "Train an autoencoder on ratings, or a sweep of them");
  add_train_options(*sub, *command);
  sub->callback([command, sub] {
    // Evaluations from other folders are to find it again.
    std::string& split = command->holdout.split;
    if (!split.empty()) split = std::filesystem::absolute(split).lexically_normal().string();
    Run(*sub, *command).train();
  });
}

}  // namespace hourglass::cli
