#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "hourglass/core/file_descriptor.h"

namespace hourglass {

/// The files of one bottleneck: `k=64/` in a run's folder. RunLog keeps the others there.
struct BottleneckFolder {
  std::filesystem::path path;

  std::filesystem::path model() const { return path / "model.safetensors"; }
  std::filesystem::path checkpoint() const { return path / "checkpoint.safetensors"; }
};

/// The folder of one run of `train`: `run.json` (options, digest of the data, device, versions,
/// outcome) and a folder a bottleneck.
class RunFolder {
 public:
  /// Makes `path` and the folders above it where they are missing. A folder that is there stays as
  /// it is: what to do about an earlier run is the caller's business. Throws Error where `path` is
  /// a file or cannot be made.
  static RunFolder create(std::filesystem::path path);

  /// A folder that has a run.json. Throws Error for any other path.
  static RunFolder open(std::filesystem::path path);

  /// While the result lives, another lock() of the folder fails with an Error. It dies with its
  /// owner. Where the file system has no such locks (some network ones), RunLog's must do.
  [[nodiscard]] FileDescriptor lock() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run_json() const { return path_ / "run.json"; }
  bool has_run() const;  ///< run.json is there

  /// Writes run.json whole or not at all, indented for people.
  void write_run(const nlohmann::json& run) const;

  /// Throws Error where run.json is missing, not a JSON object, or large beyond reason.
  nlohmann::json read_run() const;

  BottleneckFolder bottleneck(int k) const;         ///< its paths; nothing is made
  BottleneckFolder create_bottleneck(int k) const;  ///< makes the folder. Throws Error
  std::vector<int> bottlenecks() const;             ///< those whose folder is there, ascending

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace hourglass
