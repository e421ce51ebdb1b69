#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace hourglass::test {

/// What a child program printed on stdout and stderr, and its exit status (-1 where it was killed).
struct Finished {
  int status = -1;
  std::string output;
};

inline Finished run_program(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) {
    command += '\'';
    for (const char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += "' ";
  }
  Finished outcome;
  std::FILE* pipe = ::popen((command + "2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char block[4096];
  while (const std::size_t n = std::fread(block, 1, sizeof block, pipe)) {
    outcome.output.append(block, n);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

/// Tests against PyTorch. Skipped where no Python imports torch (tools/find_torch_python looks), a
/// failure there with HOURGLASS_REQUIRE_TORCH=1. HOURGLASS_SOURCE_DIR is the repository.
class TorchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Finished found = run_program({source() / "tools/find_torch_python"});
    while (found.output.ends_with('\n')) found.output.pop_back();
    python_ = found.output;
    if (found.status == 0) return;
    const char* required = std::getenv("HOURGLASS_REQUIRE_TORCH");
    if (required != nullptr && std::string(required) == "1") {
      FAIL() << "no torch: set HOURGLASS_PYTHON to a Python that imports it";
    }
    GTEST_SKIP() << "skipped: no torch";
  }

  static std::filesystem::path source() { return HOURGLASS_SOURCE_DIR; }

  /// Runs a Python script (a path in the repository) with torch.
  Finished run_python(const std::string& script, const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {python_, source() / script};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_program(words);
  }

 private:
  std::string python_;
};

}  // namespace hourglass::test
