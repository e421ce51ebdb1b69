#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hourglass::cli {

/// What came of each bottleneck of a run: an object of run.json's "results" each, in ascending
/// order of the bottleneck.
class SweepResults {
 public:
  /// Throws Error where `json` is not such a list.
  static SweepResults from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  bool empty() const { return results_.empty(); }
  const nlohmann::json* find(int bottleneck) const;
  nlohmann::json& at(int bottleneck);  ///< made where it is not there
  void erase(int bottleneck) { results_.erase(bottleneck); }
  bool all_done() const;
  std::vector<int> done() const;  ///< the finished ones, ascending

  /// results.csv, of the finished ones: bottleneck, epochs, best_loss and last_loss (of training),
  /// holdout_loss (of the weights that are kept; empty without a holdout), best_epoch (the last
  /// that improved the loss that was watched; best_loss is its), seconds, parameters,
  /// stopped_early.
  void write_csv(const std::filesystem::path& path) const;
  std::string table() const;  ///< the same for people

 private:
  std::map<int, nlohmann::json> results_;
};

}  // namespace hourglass::cli
