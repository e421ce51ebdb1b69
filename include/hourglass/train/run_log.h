#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "hourglass/train/event_file.h"

namespace hourglass {

class AppendFile;

/// What there is to tell of one epoch. The seconds and rates are only told.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< from 1
  double loss = 0;         ///< mean over the epoch
  double best = 0;         ///< the least loss so far, as early stopping counts it
  bool improved = false;   ///< this epoch set `best`
  double seconds = 0;      ///< spent in this epoch
  double rows_per_second = 0;
  bool stopped = false;  ///< early stopping ends the training here
  Scalars scalars;       ///< more, by name: in log.jsonl and for TensorBoard
};

/// The records of one training, in the folder of one bottleneck:
///
/// `log.jsonl`: one JSON object an epoch, appended as the epoch ends. The live record.
/// `events.out.tfevents.hourglass`: loss, best, rows_per_second and the other scalars, appended.
/// `losses.csv`: epochs, losses, best, improved, seconds, rows_per_second, stopped; made from the
/// log and written as a whole, since a file of that name is never half there. Not every epoch,
/// which for 10,000 epochs would write 3 GB and sync 10,000 times, but when a quarter has been
/// added (35 times for 10,000 epochs, 3 MB), when training stops, and at finish() or destruction.
///
/// The log is locked: a second training in the same folder is refused.
class RunLog {
 public:
  /// Opens the records of epochs 1 to `resume_after_epoch` (0: starts anew) in `folder` and cuts
  /// off later ones, which a run that was killed after its checkpoint may have left: they will come
  /// again. Throws Error where a file cannot be written or another program writes it.
  static RunLog open(const std::filesystem::path& folder, std::int64_t resume_after_epoch,
                     WallClock clock = wall_clock);
  RunLog(RunLog&&) noexcept;
  RunLog& operator=(RunLog&&) = delete;
  ~RunLog();

  /// Adds the record of the next epoch. Throws Error where the disk refuses, std::invalid_argument
  /// where the epoch is not beyond the last or a scalar has the name of a field.
  void epoch(const EpochRecord& record);

  /// The records outlive a loss of power: call it before a checkpoint, so that no checkpoint knows
  /// of epochs that its log lost.
  void sync();

  /// Writes losses.csv to the last epoch and syncs.
  void finish();

  /// Epochs on record. Less than resume_after_epoch after open(): somebody removed or cut the log.
  std::int64_t n_epochs() const { return n_epochs_; }

 private:
  RunLog(const std::filesystem::path& folder, std::int64_t resume_after_epoch, WallClock clock);
  void keep_through(std::int64_t last_epoch);
  void count(const EpochRecord& record);
  void write_csv();

  std::filesystem::path csv_path_;
  std::unique_ptr<AppendFile> log_;
  EventFile events_;
  std::int64_t n_epochs_ = 0;
  std::int64_t n_epochs_written_ = -1;  ///< in losses.csv; -1: not by us yet
  std::int64_t last_epoch_ = 0;
};

}  // namespace hourglass
