#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/read_options.h"
#include "cpu/backend.h"
#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/train/run_folder.h"
#include "hourglass/train/run_log.h"
#include "hourglass/train/trainer.h"
#include "reference/backend.h"

namespace hourglass::cli {
namespace {

struct TrainCommand {
  std::string ratings, output, objective = "all", device = "auto", init;
  ReadOptions read;
  TrainOptions train;
  int threads = 0;
  bool quiet = false, no_shuffle = false;
};

std::unique_ptr<Backend> open_backend(const TrainCommand& command) {
  if (command.device == "reference") return std::make_unique<reference::ReferenceBackend>();
  if (command.device == "auto" && !command.quiet) {
    fmt::print(stderr, "device: cpu, as this version has no CUDA engine yet\n");
  }
  return std::make_unique<cpu::CpuBackend>(command.threads);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void run_train(TrainCommand& command) {
  const auto began = std::chrono::steady_clock::now();
  TrainOptions& options = command.train;
  options.objective = command.objective == "all" ? Objective::kAllCells : Objective::kRatedCells;
  options.shuffle = !command.no_shuffle;
  const RunFolder run = RunFolder::create(command.output);
  if (run.has_run()) {
    throw Error(command.output + ": holds a run already; choose another --output or remove it");
  }
  const Ratings ratings = command.ratings == "synthetic"
                              ? synthetic_ratings({.seed = options.seed})
                              : read_ratings(command.ratings, command.read);
  options.shape.n_columns = ratings.matrix.n_columns;
  options.shape.validate();
  Model model = command.init.empty()
                    ? initial_model(options.shape, options.seed)
                    : load_weights(command.init, options.shape, ratings.column_ids);
  model.column_ids = ratings.column_ids;
  model.objective = command.objective;
  const std::unique_ptr<Backend> backend = open_backend(command);
  const BottleneckFolder folder = run.create_bottleneck(options.shape.bottleneck);
  check_column_ids_fit(folder.model(), ratings.column_ids);
  if (!command.quiet) {
    fmt::print(stderr, "{} rows x {} columns, {} ratings; network {}; {}\n", ratings.matrix.n_rows,
               ratings.matrix.n_columns, ratings.matrix.n_entries(), to_string(options.shape),
               backend->description());
  }
  nlohmann::json record = {
      {"version", HOURGLASS_VERSION},
      {"device", backend->kind()},
      {"device_description", backend->description()},
      {"data", {{"path", command.ratings}, {"sha256", digest(ratings)}}},
      {"options",
       {{"network", to_json(options.shape)},
        {"objective", command.objective},
        {"batch_size", options.batch_size},
        {"epochs", options.epochs},
        {"learning_rate", options.adam.learning_rate},
        {"weight_decay", options.adam.weight_decay},
        {"min_delta", options.min_delta},
        {"patience", options.patience},
        {"seed", options.seed},
        {"shuffle", options.shuffle},
        {"init", command.init}}},
      {"outcome", "running"}};
  run.write_run(record);
  RunLog log = RunLog::open(folder.path, 0);
  auto epoch_began = std::chrono::steady_clock::now();
  const EpochResult last = train(
      *backend, ratings.matrix, options, model, [&](const EpochResult& epoch) {
        const double seconds = seconds_since(epoch_began);
        epoch_began = std::chrono::steady_clock::now();
        const double rate = static_cast<double>(ratings.matrix.n_rows) / seconds;
        log.epoch({.epoch = epoch.epoch,
                   .loss = epoch.loss,
                   .best = epoch.best,
                   .improved = epoch.improved,
                   .seconds = seconds,
                   .rows_per_second = rate,
                   .stopped = epoch.stopped,
                   .scalars = {}});
        if (!command.quiet) {
          fmt::print(stderr, "epoch {}/{}  loss {:.6f}  best {:.6f}  {:.3f} s  {:.0f} rows/s\n",
                     epoch.epoch, options.epochs, epoch.loss, epoch.best, seconds, rate);
        }
      });
  log.finish();
  const double seconds = seconds_since(began);
  model.training = {{"epochs", last.epoch},
                    {"loss", last.loss},
                    {"best", last.best},
                    {"stopped_early", last.stopped},
                    {"seed", options.seed}};
  save_model(folder.model(), model);
  record["outcome"] = "done";
  record["epochs"] = last.epoch;
  record["loss"] = last.loss;
  record["seconds"] = seconds;
  record["peak_mib"] = peak_mib();
  run.write_run(record);
  if (!command.quiet) {
    if (last.stopped) fmt::print(stderr, "stopped early at epoch {}\n", last.epoch);
    fmt::print(stderr, "{:.2f} s in all, peak memory {:.0f} MiB\n", seconds, peak_mib());
  }
  fmt::print("{}\n", folder.model().string());
}

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  TrainOptions& train = command->train;
  CLI::App* sub = app.add_subcommand("train", "Train an autoencoder on ratings");
  sub->add_option("RATINGS", command->ratings,
                  "A wide or long file of ratings, or `synthetic`: the notebook's test matrix")
      ->required();
  sub->add_option("--output", command->output, "Folder for the results")->required();
  sub->add_option("--hidden", train.shape.hidden, "Widths of the hidden layers, outer first")
      ->delimiter(',')
      ->capture_default_str();
  sub->add_option("--bottleneck", train.shape.bottleneck, "Width of the code")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--objective", command->objective,
                  "Mean square over `all` cells, or over the `observed` (rated) ones")
      ->check(CLI::IsMember({"all", "observed"}))
      ->capture_default_str();
  sub->add_option("--batch-size", train.batch_size, "Rows of a mini-batch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--epochs", train.epochs, "Epochs at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--learning-rate", train.adam.learning_rate, "Adam's learning rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--weight-decay", train.adam.weight_decay, "Adam's L2 penalty, as torch.optim.Adam's")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sub->add_option("--min-delta", train.min_delta, "An epoch improves when it is better by this")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sub->add_option("--patience", train.patience, "Epochs without improvement that end the training")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--seed", train.seed, "Seed of all random numbers")->capture_default_str();
  sub->add_option("--device", command->device, "Where to train")
      ->check(CLI::IsMember({"auto", "cpu", "reference"}))
      ->capture_default_str();
  sub->add_option("--threads", command->threads, "Threads; 0: the cores this process may use")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sub->add_option("--init", command->init, "Start from the weights of this safetensors file");
  sub->add_flag("--no-shuffle", command->no_shuffle, "Take the rows in their own order");
  sub->add_flag("--quiet", command->quiet, "Print errors and the result only");
  add_read_options(*sub, command->read);
  sub->callback([command] { run_train(*command); });
}

}  // namespace hourglass::cli
