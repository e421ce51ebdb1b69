#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/report/chart.h"
#include "hourglass/train/run_folder.h"

namespace hourglass {

/// The epochs of one bottleneck.
struct Epochs {
  int bottleneck = 0;
  std::vector<double> epoch, loss;
  std::vector<double> holdout;               ///< [epochs], or empty: nothing was held out
  std::vector<double> mean_square, penalty;  ///< [epochs], or empty: no sparse autoencoder
  std::optional<std::size_t> best_epoch;     ///< index of the last one that improved
};

/// The table of one `evaluate`.
struct EvaluationFile {
  std::string name;  ///< without ".json"
  std::filesystem::path path;
  nlohmann::json json;
};

struct ClusterFile {
  std::string name;  ///< "clusters", or "clusters-k=8"
  nlohmann::json json;
  ScatterChart chart;
  bool has_chart = false;  ///< there are two components
};

/// What a run's folder holds.
struct RunData {
  std::string path;
  std::filesystem::path run_json;  ///< the file of
  nlohmann::json run;
  std::vector<Epochs> bottlenecks;  ///< ascending
  std::vector<EvaluationFile> evaluations;
  std::vector<ClusterFile> clusters;
};

/// Does `action` with what was read from `path`; where that has not the form it should have, throws
/// an Error that says so and gives the advice.
template <class Action>
auto as_written(const std::filesystem::path& path, const char* advice, Action action) {
  try {
    return action();
  } catch (const nlohmann::json::exception&) {
    throw Error(path.string() + ": is not as hourglass writes it; " + advice);
  }
}

/// Throws Error as make_report does.
RunData read_run_data(const RunFolder& run);

}  // namespace hourglass
