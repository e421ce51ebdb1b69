#include "cli/training.h"

#include <fmt/format.h>

#include "hourglass/core/error.h"

namespace hourglass::cli {

void Checkpoints::after_epoch(std::int64_t epoch, Trainer& trainer, RunLog& log) {
  const bool due = every_ > 0 ? epoch % every_ == 0 : seconds_since(written_) >= 20 * cost_;
  if (due) write(trainer, log);
}

void Checkpoints::write(Trainer& trainer, RunLog& log) {
  const Clock::time_point began = Clock::now();
  log.sync();  // no checkpoint may know of epochs that the log lost
  trainer.save_checkpoint(path_, training_);
  written_ = Clock::now();
  cost_ = seconds_since(began);
}

namespace {

/// What a checkpoint's training must have in common with the one that goes on from it.
std::string what_decides(const TrainCommand& command, const nlohmann::json& identity) {
  nlohmann::json options = recorded_options(command);
  for (const char* free : {"bottleneck", "epochs", "patience"}) options.erase(free);
  return nlohmann::json{{"options", options}, {"data", identity}}.dump(
      -1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Training::Training(const TrainCommand& command, const TrainOptions& options,
                   const TrainingData& data, const RunFolder& folder, Backend& backend)
    : command_(command),
      options_(options),
      data_(data),
      folder_(folder),
      files_(folder.bottleneck(options.shape.bottleneck)),
      trainer_(backend, data.given, options, &data.hidden),
      checkpoints_(files_.checkpoint(), what_decides(command, data.identity),
                   command.checkpoint_every),
      bar_(!command.quiet) {}

void Training::start() {
  const bool resume = command_.resume && std::filesystem::exists(files_.checkpoint());
  if (resume) {
    trainer_.resume(files_.checkpoint(), checkpoints_.training());
    command_.say("going on after epoch {}, batch {}\n", trainer_.last_epoch().epoch,
                 trainer_.batches_done());
    return;
  }
  if (!command_.init.empty()) {
    trainer_.start(load_weights(command_.init, options_.shape, data_.ratings.column_ids));
    return;
  }
  Model model = initial_model(options_.shape, options_.seed);
  if (options_.objective == Objective::kRatedCells) start_at_column_means(model, data_.given);
  trainer_.start(model);
}

void Training::tell(const EpochResult& epoch, double seconds, RunLog& log) {
  const double rate = static_cast<double>(data_.ratings.matrix.n_rows) / seconds;
  Scalars parts;
  std::string shown;
  if (options_.sparsity.weight > 0) {
    parts = {{"mean_square", epoch.loss - epoch.penalty}, {"sparsity_penalty", epoch.penalty}};
    shown = fmt::format(" (mean square {:.6f}, sparsity {:.6f})", epoch.loss - epoch.penalty,
                        epoch.penalty);
  }
  if (epoch.holdout) {
    parts["holdout_loss"] = *epoch.holdout;
    shown += fmt::format("  held out {:.6f}", *epoch.holdout);
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
  command_.say("epoch {}/{}  loss {:.6f}{}  best {:.6f}  {:.3f} s  {:.0f} rows/s\n", epoch.epoch,
               options_.epochs, epoch.loss, shown, epoch.best, seconds, rate);
}

void Training::stop(int signal, RunLog& log) {
  bar_.clear();
  checkpoints_.write(trainer_, log);
  log.finish();
  throw Interrupted(signal, fmt::format("stopped after epoch {}, batch {}; the same command with "
                                        "--resume goes on",
                                        trainer_.last_epoch().epoch, trainer_.batches_done()));
}

void Training::train_to_the_end(const StopSignals& signals, RunLog& log) {
  Clock::time_point epoch_began = Clock::now();
  while (!trainer_.done()) {
    if (const auto epoch = trainer_.step()) {
      tell(*epoch, seconds_since(epoch_began), log);
      if (!trainer_.done()) checkpoints_.after_epoch(epoch->epoch, trainer_, log);
      epoch_began = Clock::now();  // a checkpoint is no part of an epoch's time
    }
    if (signals.received() != 0 && !trainer_.done()) stop(signals.received(), log);
    bar_.update({.epoch = trainer_.last_epoch().epoch + 1,
                 .epochs = options_.epochs,
                 .batch = trainer_.batches_done(),
                 .batches = trainer_.batches_per_epoch()});
  }
  bar_.clear();
  log.finish();
}

nlohmann::json Training::outcome() const {
  const EpochResult& last = trainer_.last_epoch();
  nlohmann::json outcome = {{"epochs", last.epoch},
                            {"loss", last.loss},
                            {"best", last.loss_at_best},
                            {"best_epoch", last.best_epoch},
                            {"stopped_early", last.stopped}};
  // Of the weights that are kept: the best epoch's, or the last one's.
  if (options_.monitor == Monitor::kHoldout) {
    outcome["holdout_loss"] = last.best;
  } else if (last.holdout) {
    outcome["holdout_loss"] = *last.holdout;
  }
  return outcome;
}

void Training::save_model() {
  Model model;
  model.shape = options_.shape;
  model.column_ids = data_.ratings.column_ids;
  model.objective = command_.objective;
  model.training = outcome();
  model.training.update(data_.identity);
  trainer_.save(model);
  hourglass::save_model(files_.model(), model);
}

void Training::run(const StopSignals& signals, nlohmann::json& result) {
  const Clock::time_point began = Clock::now();
  const double seconds_before = result.value("seconds", 0.0);
  const auto count_time = [&] { result["seconds"] = seconds_before + seconds_since(began); };
  start();
  folder_.create_bottleneck(options_.shape.bottleneck);
  RunLog log = RunLog::open(files_.path, trainer_.last_epoch().epoch);
  if (log.n_epochs() < trainer_.last_epoch().epoch) {
    command_.say(
        "{}: its log tells of {} epochs, its checkpoint of {}: losses.csv will lack some\n",
        files_.path.string(), log.n_epochs(), trainer_.last_epoch().epoch);
  }
  try {
    train_to_the_end(signals, log);
  } catch (...) {
    count_time();
    throw;
  }
  if (command_.keep_checkpoint) checkpoints_.write(trainer_, log);
  save_model();
  result.update(outcome());
  result["patience"] = options_.patience;  // whether a later call's is more
  count_time();
  const EpochResult& last = trainer_.last_epoch();
  if (last.stopped) command_.say("stopped early at epoch {}\n", last.epoch);
  if (options_.monitor == Monitor::kHoldout) {
    command_.say("kept the weights of epoch {}, held-out loss {:.6f}\n", last.best_epoch,
                 last.best);
  }
}

}  // namespace hourglass::cli
