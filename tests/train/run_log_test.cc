#include "hourglass/train/run_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "event_reader.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::EventReader;
using test::file_bytes;
using test::put_bytes;
using test::TempFolder;

double fixed_clock() { return 1.5; }

EpochRecord record_of(std::int64_t epoch) {
  const auto e = static_cast<double>(epoch);
  return {.epoch = epoch,
          .loss = 1 / e,
          .best = 1 / e,
          .improved = epoch % 2 == 1,
          .seconds = 0.5,
          .rows_per_second = 1000 * e,
          .stopped = false,
          .scalars = {{"rmse", 2 / e}}};
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::istringstream text(file_bytes(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

void write_epochs(const TempFolder& folder, std::int64_t after, std::int64_t last) {
  RunLog log = RunLog::open(folder.path(), after, fixed_clock);
  for (std::int64_t epoch = after + 1; epoch <= last; ++epoch) log.epoch(record_of(epoch));
  log.finish();
}

TEST(RunLog, WritesAllThreeFiles) {
  const TempFolder folder;
  RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
  EXPECT_EQ(lines_of(folder / "losses.csv").size(), 1u) << "a header before the first epoch";
  log.epoch(record_of(1));
  EpochRecord last = record_of(2);
  last.stopped = true;
  log.epoch(last);

  EXPECT_EQ(file_bytes(folder / "losses.csv"),
            "epochs,losses,best,improved,seconds,rows_per_second,stopped\n"
            "1,1,1,1,0.5,1000,0\n"
            "2,0.5,0.5,0,0.5,2000,1\n");
  EXPECT_EQ(file_bytes(folder / "log.jsonl"),
            R"({"epoch":1,"loss":1.0,"best":1.0,"improved":true,"seconds":0.5,)"
            R"("rows_per_second":1000.0,"stopped":false,"rmse":2.0})"
            "\n"
            R"({"epoch":2,"loss":0.5,"best":0.5,"improved":false,"seconds":0.5,)"
            R"("rows_per_second":2000.0,"stopped":true,"rmse":1.0})"
            "\n");
  const auto events = EventReader(file_bytes(folder / "events.out.tfevents.hourglass")).all();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].step, 2);
  const std::map<std::string, float> expected = {
      {"loss", 0.5f}, {"best", 0.5f}, {"rows_per_second", 2000.0f}, {"rmse", 1.0f}};
  EXPECT_EQ(events[2].scalars, expected);
}

TEST(RunLog, AResumedRunLeavesTheFilesOfAnUnbrokenOne) {
  const TempFolder unbroken, resumed;
  write_epochs(unbroken, 0, 40);
  write_epochs(resumed, 0, 25);
  write_epochs(resumed, 17, 31);  // killed after the checkpoint of epoch 17
  write_epochs(resumed, 31, 31);
  write_epochs(resumed, 31, 40);
  for (const char* name : {"losses.csv", "log.jsonl", "events.out.tfevents.hourglass"}) {
    EXPECT_EQ(file_bytes(resumed / name), file_bytes(unbroken / name)) << name;
  }
}

TEST(RunLog, AnewForgetsTheRunBefore) {
  const TempFolder folder, fresh;
  write_epochs(folder, 0, 5);
  write_epochs(folder, 0, 2);
  write_epochs(fresh, 0, 2);
  for (const char* name : {"losses.csv", "log.jsonl", "events.out.tfevents.hourglass"}) {
    EXPECT_EQ(file_bytes(folder / name), file_bytes(fresh / name)) << name;
  }
}

TEST(RunLog, LossesThatAreNoNumbersComeBack) {
  const TempFolder folder;
  {
    RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
    EpochRecord record = record_of(1);
    record.loss = std::numeric_limits<double>::quiet_NaN();
    log.epoch(record);
  }
  RunLog log = RunLog::open(folder.path(), 1, fixed_clock);
  EXPECT_EQ(log.n_epochs(), 1);
  EXPECT_EQ(lines_of(folder / "losses.csv").at(1), "1,nan,1,1,0.5,1000,0");
}

TEST(RunLog, TheCsvIsBehindByAQuarterAtMostAndWholeAtTheEnd) {
  const TempFolder folder;
  std::size_t n_written = 0;
  std::string before;
  {
    RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
    for (std::int64_t epoch = 1; epoch <= 300; ++epoch) {
      log.epoch(record_of(epoch));
      const std::string now = file_bytes(folder / "losses.csv");
      n_written += now != before;
      before = now;
      const auto n_rows = static_cast<std::int64_t>(lines_of(folder / "losses.csv").size()) - 1;
      EXPECT_LE(epoch - n_rows, epoch / 4);
      EXPECT_EQ(static_cast<std::int64_t>(lines_of(folder / "log.jsonl").size()), epoch);
    }
    EXPECT_LT(n_written, 30u);
  }
  EXPECT_EQ(lines_of(folder / "losses.csv").size(), 301u);
  EXPECT_FALSE(std::filesystem::exists(folder / ".losses.csv.tmp"));
}

TEST(RunLog, CutsOffLinesThatAreTornOrNotItsOwn) {
  const TempFolder folder;
  write_epochs(folder, 0, 3);
  const std::string good = file_bytes(folder / "log.jsonl");
  const std::size_t first_line = good.find('\n') + 1;
  for (const std::string& tail :
       {std::string("{\"epoch\":4"), std::string("\n"), std::string("null\n"), std::string("[4]\n"),
        std::string("{\"epoch\":4}\n"),
        std::string(R"({"epoch":4.5,"loss":1,"best":1,"improved":true,"seconds":1,)"
                    R"("rows_per_second":1,"stopped":false})") +
            "\n",
        std::string("\0\0\0\n", 4), good.substr(0, first_line) /* epoch 1 again */,
        std::string(100'000, '[') + "\n"}) {
    put_bytes(folder / "log.jsonl", good + tail);
    RunLog log = RunLog::open(folder.path(), 9, fixed_clock);
    EXPECT_EQ(log.n_epochs(), 3);
    EXPECT_EQ(file_bytes(folder / "log.jsonl"), good);
  }
  put_bytes(folder / "log.jsonl", good.substr(0, good.size() - 1));
  EXPECT_EQ(RunLog::open(folder.path(), 3, fixed_clock).n_epochs(), 2) << "the caller can tell";
  std::filesystem::remove(folder / "log.jsonl");
  EXPECT_EQ(RunLog::open(folder.path(), 3, fixed_clock).n_epochs(), 0);
}

TEST(RunLog, ALogOfHolesCostsNoMemory) {
  const TempFolder folder;
  put_bytes(folder / "log.jsonl", "");
  std::filesystem::resize_file(folder / "log.jsonl", std::uintmax_t{1} << 40);
  const std::string text = error_text([&] { RunLog::open(folder.path(), 3, fixed_clock); });
  EXPECT_NE(text.find("log.jsonl: is too large"), text.npos) << text;
}

TEST(RunLog, CutsNoFileElsewhere) {
  const TempFolder folder;
  for (const char* name : {"log.jsonl", "events.out.tfevents.hourglass"}) {
    put_bytes(folder / "precious", "not ours");
    std::filesystem::create_symlink(folder / "precious", folder / name);
    EXPECT_NE(error_text([&] { RunLog::open(folder.path(), 0); }).find("it is a symbolic link"),
              std::string::npos)
        << name;
    EXPECT_EQ(file_bytes(folder / "precious"), "not ours");
    std::filesystem::remove(folder / name);
  }
}

TEST(RunLog, RefusesEpochsAndNamesThatAreTaken) {
  const TempFolder folder;
  RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
  log.epoch(record_of(1));
  EXPECT_THROW(log.epoch(record_of(1)), std::invalid_argument);
  EpochRecord record = record_of(2);
  record.scalars["loss"] = 1;
  EXPECT_THROW(log.epoch(record), std::invalid_argument);
  EXPECT_EQ(lines_of(folder / "log.jsonl").size(), 1u);
  log.epoch(record_of(2));
}

TEST(RunLog, RefusesASecondTrainingInTheFolder) {
  const TempFolder folder;
  RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
  log.epoch(record_of(1));
  EXPECT_NE(error_text([&] { RunLog::open(folder.path(), 0); }).find("another program"),
            std::string::npos);
  EXPECT_EQ(lines_of(folder / "log.jsonl").size(), 1u);
  const RunLog moved = std::move(log);
  EXPECT_EQ(moved.n_epochs(), 1);
}

// A limit on the file size stands for a full disk.
TEST(RunLog, AFullDiskLeavesWholeRecords) {
  const TempFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
      for (std::int64_t epoch = 1; epoch <= 100; ++epoch) log.epoch(record_of(epoch));
    } catch (const Error& error) {
      ::_exit(std::string(error.what()).find("log.jsonl: cannot write it: ") != std::string::npos
                  ? 99
                  : 1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 99);

  const std::string log = file_bytes(folder / "log.jsonl");
  EXPECT_TRUE(log.ends_with("}\n"));
  const auto lines = lines_of(folder / "log.jsonl");
  EXPECT_GE(lines.size(), 5u);
  for (const std::string& line : lines) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  // The csv is whole too, of the same epochs.
  EXPECT_EQ(lines_of(folder / "losses.csv").size(), lines.size() + 1);
  EXPECT_NO_THROW(EventReader(file_bytes(folder / "events.out.tfevents.hourglass")).all());
}

// Killed at any moment: the log ends with a whole line, the csv is whole, and a resume mends all.
TEST(RunLog, AKillLeavesNothingTorn) {
  const TempFolder folder, unbroken;
  for (int round = 0; round < 5; ++round) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      RunLog log = RunLog::open(folder.path(), 0, fixed_clock);
      for (std::int64_t epoch = 1;; ++epoch) {
        log.epoch(record_of(epoch));
        if (epoch == 20 + 37 * round && ::write(ready[1], "x", 1) != 1) ::_exit(1);
      }
    }
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);

    EXPECT_TRUE(file_bytes(folder / "log.jsonl").ends_with("}\n"));
    EXPECT_TRUE(file_bytes(folder / "losses.csv").ends_with('\n'));
    write_epochs(folder, 15, 30);
    write_epochs(unbroken, 0, 30);
    for (const char* name : {"losses.csv", "log.jsonl", "events.out.tfevents.hourglass"}) {
      EXPECT_EQ(file_bytes(folder / name), file_bytes(unbroken / name)) << name;
    }
  }
}

}  // namespace
}  // namespace hourglass
