#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/temp_folder.h"

extern char** environ;

namespace hourglass::test {

struct Outcome {
  int code = -1;    ///< exit status; -1 where a signal ended it
  int signal = 0;   ///< that ended it
  std::string out;  ///< stdout
  std::string err;  ///< stderr
};

/// A running `hourglass` with its output in files. Killed when it goes.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), HOURGLASS_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const auto to = [&](int descriptor, const std::filesystem::path& path) {
      posix_spawn_file_actions_addopen(&files, descriptor, path.c_str(), O_WRONLY | O_CREAT, 0600);
    };
    to(1, folder_ / "out");
    to(2, folder_ / "err");
    if (posix_spawn(&process_, HOURGLASS_PROGRAM, &files, nullptr, argv.data(), environ) != 0) {
      ADD_FAILURE() << "cannot start " << HOURGLASS_PROGRAM;
      process_ = -1;
    }
    posix_spawn_file_actions_destroy(&files);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (process_ <= 0) return;
    send(SIGKILL);
    wait();
  }

  void send(int signal) const {
    if (process_ > 0) kill(process_, signal);
  }
  /// Waits until stderr has `text`; false where the program ends without.
  bool wait_for(std::string_view text) const {
    for (;;) {
      siginfo_t ended{};
      const bool over =
          waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
          ended.si_pid != 0;
      const std::string err = file_bytes(folder_ / "err");
      if (err.find(text) != err.npos) return true;
      if (over) {
        ADD_FAILURE() << "it ended without \"" << text << "\": " << err;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  Outcome wait() {
    Outcome outcome;
    int status = 0;
    if (process_ <= 0 || waitpid(process_, &status, 0) != process_) return outcome;
    process_ = -1;
    if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    outcome.out = file_bytes(folder_ / "out");
    outcome.err = file_bytes(folder_ / "err");
    return outcome;
  }

 private:
  TempFolder folder_;
  pid_t process_ = -1;
};

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

inline Outcome hourglass(std::vector<std::string> arguments) {
  return Program(std::move(arguments)).wait();
}

}  // namespace hourglass::test
