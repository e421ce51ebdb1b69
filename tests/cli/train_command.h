#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "hourglass/train/run_folder.h"
#include "support/temp_folder.h"

namespace hourglass::test {

using Words = std::vector<std::string>;

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A small training on synthetic ratings.
class TrainCommandTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// `more` comes first in effect: an option is given once.
  Words small(const std::string& output, const Words& more = {}) const {
    Words words = {"train", "synthetic", "--output", path(output)};
    const Words defaults = {"--rows", "300",      "--columns", "40",           "--epochs",
                            "4",      "--hidden", "24,12",     "--bottleneck", "5"};
    for (std::size_t i = 0; i < defaults.size(); i += 2) {
      if (std::find(more.begin(), more.end(), defaults[i]) == more.end()) {
        words.insert(words.end(), {defaults[i], defaults[i + 1]});
      }
    }
    return words + more;
  }
  std::string model_bytes(const std::string& output) const { return file_bytes(model(output)); }
  std::filesystem::path model(const std::string& output) const {
    return folder_ / output / "k=5" / "model.safetensors";
  }
  std::filesystem::path checkpoint(const std::string& output) const {
    return folder_ / output / "k=5" / "checkpoint.safetensors";
  }
  nlohmann::json run(const std::string& output) const {
    return RunFolder::open(folder_ / output).read_run();
  }

  const TempFolder folder_;
};

}  // namespace hourglass::test
