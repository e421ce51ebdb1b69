#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hourglass/report/chart.h"
#include "hourglass/train/run_folder.h"

namespace hourglass {

/// The epochs of one bottleneck.
struct Epochs {
  int bottleneck = 0;
  std::vector<double> epoch, loss;
  std::vector<double> holdout;                 ///< [epochs], or empty: nothing was held out
  std::vector<double> mean_square, penalty;    ///< [epochs], or empty: no sparse autoencoder
  std::optional<std::size_t> best_epoch;       ///< index of the last one that improved
};

/// The table of one `evaluate`.
struct EvaluationFile {
  std::string name;  ///< without ".json"
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
  nlohmann::json run;
  std::vector<Epochs> bottlenecks;  ///< ascending
  std::vector<EvaluationFile> evaluations;
  std::vector<ClusterFile> clusters;
};

/// Throws Error as make_report does.
RunData read_run_data(const RunFolder& run);

}  // namespace hourglass
