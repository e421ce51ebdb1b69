#include "hourglass/train/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "hourglass/core/atomic_file.h"
#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "train/append_file.h"

namespace hourglass {
namespace {

constexpr std::string_view kCsvHeader =
    "epochs,losses,best,improved,seconds,rows_per_second,stopped\n";

std::string to_line(const EpochRecord& record) {
  nlohmann::ordered_json line = {
      {"epoch", record.epoch},     {"loss", record.loss},  // JSON has no NaN: it becomes null
      {"best", record.best},       {"improved", record.improved},
      {"seconds", record.seconds}, {"rows_per_second", record.rows_per_second},
      {"stopped", record.stopped}};
  for (const auto& [name, value] : record.scalars) {
    if (line.contains(name))
      throw std::invalid_argument("RunLog: scalar of a field's name " + name);
    line[name] = value;
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

double number(const nlohmann::json& line, const char* key) {
  const nlohmann::json& value = line.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

/// The record of a line that to_line() wrote, without its scalars; false for any other text.
bool parse_line(std::string_view text, EpochRecord& record) {
  try {
    const nlohmann::json line = parse_json(text);
    record = {.epoch = whole_number(line, "epoch"),
              .loss = number(line, "loss"),
              .best = number(line, "best"),
              .improved = line.at("improved").get<bool>(),
              .seconds = number(line, "seconds"),
              .rows_per_second = number(line, "rows_per_second"),
              .stopped = line.at("stopped").get<bool>(),
              .scalars = {}};
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  } catch (const Error&) {
    return false;
  }
}

std::string to_csv_row(const EpochRecord& record) {
  return fmt::format("{},{},{},{:d},{},{},{:d}\n", record.epoch, record.loss, record.best,
                     record.improved, record.seconds, record.rows_per_second, record.stopped);
}

/// take(record, end) for each record from the start, `end` bytes into the log; until it returns
/// false or a line is none of ours. A block at a time: a log may be long.
template <class Take>
void for_each_record(const AppendFile& log, const Take& take) {
  constexpr std::int64_t kBlockBytes = std::int64_t{1} << 16;
  std::string text;  // from the end of the last line on
  std::int64_t end_of_line = 0;
  for (std::int64_t read = 0; read < log.size();) {
    const std::int64_t next = std::min(read + kBlockBytes, log.size());
    std::size_t searched = text.size(), line = 0;
    text += log.read(read, next);
    read = next;
    for (std::size_t end; (end = text.find('\n', searched)) != text.npos;
         line = searched = end + 1) {
      end_of_line += static_cast<std::int64_t>(end + 1 - line);
      EpochRecord record;
      if (!parse_line(std::string_view(text).substr(line, end - line), record)) return;
      if (!take(record, end_of_line)) return;
    }
    text.erase(0, line);
  }
}

}  // namespace

RunLog RunLog::open(const std::filesystem::path& folder, std::int64_t resume_after_epoch,
                    WallClock clock) {
  return RunLog(folder, resume_after_epoch, std::move(clock));
}

RunLog::RunLog(const std::filesystem::path& folder, std::int64_t resume_after_epoch,
               WallClock clock)
    : csv_path_(folder / "losses.csv"),
      log_(std::make_unique<AppendFile>(folder / "log.jsonl")),
      events_(folder / "events.out.tfevents.hourglass", resume_after_epoch, std::move(clock)) {
  keep_through(resume_after_epoch);
  write_csv();
}

RunLog::RunLog(RunLog&&) noexcept = default;

RunLog::~RunLog() {
  if (!log_ || n_epochs_written_ == n_epochs_) return;  // moved from, or nothing new
  try {
    write_csv();
  } catch (const std::exception&) {
    // An error is on its way already, or finish() would have told it. The log has every epoch.
  }
}

void RunLog::keep_through(std::int64_t last_epoch) {
  std::int64_t kept = 0;
  for_each_record(*log_, [&](const EpochRecord& record, std::int64_t end) {
    if (record.epoch <= last_epoch_ || record.epoch > last_epoch) return false;
    count(record);
    kept = end;
    return true;
  });
  log_->truncate(kept);
}

void RunLog::epoch(const EpochRecord& record) {
  if (record.epoch <= last_epoch_) {
    throw std::invalid_argument("RunLog: epoch " + std::to_string(record.epoch) + " is not new");
  }
  log_->append(to_line(record));
  Scalars scalars = record.scalars;
  scalars["loss"] = record.loss;
  scalars["best"] = record.best;
  scalars["rows_per_second"] = record.rows_per_second;
  events_.append(record.epoch, scalars);
  count(record);
  if (record.stopped || n_epochs_ - n_epochs_written_ > n_epochs_ / 4) write_csv();
}

void RunLog::sync() {
  log_->sync();
  events_.sync();
}

void RunLog::finish() {
  sync();
  write_csv();
}

void RunLog::count(const EpochRecord& record) {
  ++n_epochs_;
  last_epoch_ = record.epoch;
}

void RunLog::write_csv() {
  // From the log, not from memory: what an epoch leaves there must not grow with their number.
  AtomicFile csv(csv_path_);
  csv.write(kCsvHeader);
  for_each_record(*log_, [&](const EpochRecord& record, std::int64_t) {
    csv.write(to_csv_row(record));
    return true;
  });
  csv.commit();
  n_epochs_written_ = n_epochs_;
}

}  // namespace hourglass
