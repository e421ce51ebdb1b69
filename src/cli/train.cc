#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "cli/stop_signals.h"
#include "cli/train_options.h"
#include "hourglass/core/error.h"
#include "hourglass/data/digest.h"
#include "hourglass/devices/device.h"
#include "hourglass/train/run_folder.h"
#include "hourglass/train/run_log.h"
#include "hourglass/train/trainer.h"

namespace hourglass::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Writes checkpoints: every so many epochs, or so often that they take a twentieth of the time.
class Checkpoints {
 public:
  Checkpoints(std::filesystem::path path, std::int64_t every)
      : path_(std::move(path)), every_(every) {}

  void after_epoch(std::int64_t epoch, Trainer& trainer, RunLog& log) {
    const bool due = every_ > 0 ? epoch % every_ == 0 : seconds_since(written_) >= 20 * cost_;
    if (due) write(trainer, log);
  }
  void write(Trainer& trainer, RunLog& log) {
    const Clock::time_point began = Clock::now();
    log.sync();  // no checkpoint may know of epochs that the log lost
    trainer.save_checkpoint(path_);
    written_ = Clock::now();
    cost_ = seconds_since(began);
  }

 private:
  std::filesystem::path path_;
  std::int64_t every_;
  double cost_ = 0;  ///< seconds, the last time
  Clock::time_point written_ = Clock::now();
};

/// One call of `train`, from the command line to the model.
class Run {
 public:
  Run(const CLI::App& app, TrainCommand& command);
  void train();

 private:
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (!command_.quiet) fmt::print(stderr, format, std::forward<Args>(args)...);
  }
  void take_up_run(const CLI::App& app);
  bool resuming() const { return !before_.is_null(); }
  bool nothing_left() const;
  void check_device(const Backend& backend);
  void start(Trainer& trainer);
  void train_to_the_end(Trainer& trainer, RunLog& log);
  void tell(const EpochResult& epoch, double seconds, RunLog& log);
  [[noreturn]] void stop(int signal, Trainer& trainer, RunLog& log);
  void finish(Trainer& trainer);
  void write_outcome(const char* outcome);

  TrainCommand& command_;
  const Clock::time_point began_ = Clock::now();
  RunFolder folder_;
  FileDescriptor lock_;
  nlohmann::json before_;                             ///< run.json as it was, of a run that goes on
  nlohmann::json record_ = nlohmann::json::object();  ///< run.json
  Ratings ratings_;
  BottleneckFolder files_;
  Checkpoints checkpoints_;
  ProgressBar bar_;
};

Run::Run(const CLI::App& app, TrainCommand& command)
    : command_(command),
      folder_(RunFolder::create(command.output)),
      lock_(folder_.lock()),
      checkpoints_({}, 0),
      bar_(!command.quiet) {
  if (!folder_.has_run()) default_bottleneck(app, command_);
  if (command_.resume && folder_.has_run()) {
    take_up_run(app);
  } else if (folder_.has_run()) {
    throw Error(command.output +
                ": holds a run already; go on with it by --resume, or choose another --output");
  } else if (command_.resume) {
    say("{}: holds no run to go on with; this is its beginning\n", command.output);
  }
  TrainOptions& options = command_.train;
  options.objective = command_.objective == "all" ? Objective::kAllCells : Objective::kRatedCells;
  options.shuffle = !command_.no_shuffle;
  ratings_ = command_.read_ratings();
  options.shape.n_columns = ratings_.matrix.n_columns;
  options.shape.validate();
  const std::string data_digest = digest(ratings_);
  if (resuming() && before_["data"].value("sha256", "") != data_digest) {
    throw Error(
        fmt::format("{}: --resume: these are not the ratings of the run in {}; name the "
                    "run's own ({}), or train anew into another folder",
                    command_.ratings, command_.output,
                    before_["data"].value("path", "whose name it does not tell")));
  }
  record_.erase("error");
  record_["version"] = HOURGLASS_VERSION;
  record_["data"] = {{"path", command_.ratings}, {"sha256", data_digest}};
  record_["options"] = recorded_options(command_);
  record_["network"] = to_json(options.shape);
  files_ = folder_.bottleneck(options.shape.bottleneck);
  checkpoints_ = Checkpoints(files_.checkpoint(), command_.checkpoint_every);
}

void Run::take_up_run(const CLI::App& app) {
  record_ = folder_.read_run();
  if (!record_.value("options", nlohmann::json()).is_object() ||
      !record_.value("data", nlohmann::json()).is_object()) {
    throw Error(folder_.run_json().string() +
                ": tells no options or no data, so the run cannot go on; train anew into another "
                "folder");
  }
  before_ = record_;
  continue_options(app, before_["options"], command_);
}

/// The run is done, its checkpoint gone, and the options ask for no more.
bool Run::nothing_left() const {
  if (!resuming() || before_.value("outcome", "") != "done" ||
      !std::filesystem::exists(files_.model()) || std::filesystem::exists(files_.checkpoint())) {
    return false;
  }
  const bool stopped = before_.value("stopped_early", false);
  const std::int64_t epochs = before_.value("epochs", std::int64_t{0});
  const bool more = stopped ? command_.train.patience > before_["options"].value("patience", 0)
                            : command_.train.epochs > epochs;
  if (more) {
    throw Error(
        fmt::format("{}: the run is done, after {} epochs, and its checkpoint is gone; "
                    "train anew with --init {} or, another time, with --keep-checkpoint",
                    command_.output, epochs, files_.model().string()));
  }
  return true;
}

void Run::check_device(const Backend& backend) {
  const std::string before = record_.value("device", backend.kind());
  if (before != backend.kind()) {
    say("the run was on {} and goes on on {}: its bits will not be those of an uninterrupted run\n",
        before, backend.kind());
  }
}

void Run::start(Trainer& trainer) {
  if (resuming() && std::filesystem::exists(files_.checkpoint())) {
    trainer.resume(files_.checkpoint());
    say("going on after epoch {}, batch {}\n", trainer.last_epoch().epoch, trainer.batches_done());
    return;
  }
  const NetworkShape& shape = command_.train.shape;
  trainer.start(command_.init.empty() ? initial_model(shape, command_.train.seed)
                                      : load_weights(command_.init, shape, ratings_.column_ids));
}

void Run::tell(const EpochResult& epoch, double seconds, RunLog& log) {
  const double rate = static_cast<double>(ratings_.matrix.n_rows) / seconds;
  Scalars parts;
  std::string shown;
  if (command_.train.sparsity.weight > 0) {
    parts = {{"mean_square", epoch.loss - epoch.penalty}, {"sparsity_penalty", epoch.penalty}};
    shown = fmt::format(" (mean square {:.6f}, sparsity {:.6f})", epoch.loss - epoch.penalty,
                        epoch.penalty);
  }
  log.epoch({.epoch = epoch.epoch,
             .loss = epoch.loss,
             .best = epoch.best,
             .improved = epoch.improved,
             .seconds = seconds,
             .rows_per_second = rate,
             .stopped = epoch.stopped,
             .scalars = parts});
  bar_.clear();
  say("epoch {}/{}  loss {:.6f}{}  best {:.6f}  {:.3f} s  {:.0f} rows/s\n", epoch.epoch,
      command_.train.epochs, epoch.loss, shown, epoch.best, seconds, rate);
}

void Run::stop(int signal, Trainer& trainer, RunLog& log) {
  bar_.clear();
  checkpoints_.write(trainer, log);
  log.finish();
  write_outcome("interrupted");
  throw Interrupted(signal, fmt::format("stopped after epoch {}, batch {}; the same command with "
                                        "--resume goes on",
                                        trainer.last_epoch().epoch, trainer.batches_done()));
}

void Run::train_to_the_end(Trainer& trainer, RunLog& log) {
  const StopSignals signals;
  Clock::time_point epoch_began = Clock::now();
  while (!trainer.done()) {
    if (const auto epoch = trainer.step()) {
      tell(*epoch, seconds_since(epoch_began), log);
      epoch_began = Clock::now();
      if (!trainer.done()) checkpoints_.after_epoch(epoch->epoch, trainer, log);
    }
    if (signals.received() != 0 && !trainer.done()) stop(signals.received(), trainer, log);
    bar_.update({.epoch = trainer.last_epoch().epoch + 1,
                 .epochs = command_.train.epochs,
                 .batch = trainer.batches_done(),
                 .batches = trainer.batches_per_epoch()});
  }
  bar_.clear();
  log.finish();
}

void Run::write_outcome(const char* outcome) {
  record_["outcome"] = outcome;
  folder_.write_run(record_);
}

void Run::finish(Trainer& trainer) {
  const EpochResult last = trainer.last_epoch();
  Model model;
  model.shape = command_.train.shape;
  model.column_ids = ratings_.column_ids;
  model.objective = command_.objective;
  model.training = {{"epochs", last.epoch},
                    {"loss", last.loss},
                    {"best", last.best},
                    {"stopped_early", last.stopped},
                    {"seed", command_.train.seed}};
  trainer.save(model);
  save_model(files_.model(), model);
  record_["epochs"] = last.epoch;
  record_["loss"] = last.loss;
  record_["best"] = last.best;
  record_["stopped_early"] = last.stopped;
  record_["seconds"] = seconds_since(began_);
  record_["peak_mib"] = peak_mib();
  write_outcome("done");
  if (!command_.keep_checkpoint) std::filesystem::remove(files_.checkpoint());
  if (last.stopped) say("stopped early at epoch {}\n", last.epoch);
  say("{:.2f} s in all, peak memory {:.0f} MiB\n", seconds_since(began_), peak_mib());
}

void Run::train() {
  if (nothing_left()) {
    say("{}: the run is done; there is nothing left to do\n", command_.output);
    fmt::print("{}\n", files_.model().string());
    return;
  }
  const Device device = open_device({.name = command_.device, .threads = command_.threads});
  if (!device.why.empty()) say("device: cpu, as {}\n", device.why);
  Backend& backend = *device.backend;
  check_device(backend);
  check_column_ids_fit(files_.model(), ratings_.column_ids);
  say("{} rows x {} columns, {} ratings; network {}; {}\n", ratings_.matrix.n_rows,
      ratings_.matrix.n_columns, ratings_.matrix.n_entries(), to_string(command_.train.shape),
      backend.description());
  Trainer trainer(backend, ratings_.matrix, command_.train);
  start(trainer);
  folder_.create_bottleneck(command_.train.shape.bottleneck);
  RunLog log = RunLog::open(files_.path, trainer.last_epoch().epoch);
  if (log.n_epochs() < trainer.last_epoch().epoch) {
    say("{}: its log tells of {} epochs, its checkpoint of {}: losses.csv will lack some\n",
        files_.path.string(), log.n_epochs(), trainer.last_epoch().epoch);
  }
  record_["device"] = backend.kind();
  record_["device_description"] = backend.description();
  write_outcome("running");
  try {
    train_to_the_end(trainer, log);
    if (command_.keep_checkpoint) checkpoints_.write(trainer, log);
    finish(trainer);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    record_["error"] = error.what();
    try {
      write_outcome("failed");
    } catch (const Error&) {  // the first error says more: a full disk refuses this one too
    }
    throw;
  }
  fmt::print("{}\n", files_.model().string());
}

}  // namespace

void add_train(CLI::App& app) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", "Train an autoencoder on ratings");
  add_train_options(*sub, *command);
  sub->callback([command, sub] { Run(*sub, *command).train(); });
}

}  // namespace hourglass::cli
