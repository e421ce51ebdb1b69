#include "cli/sweep_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "hourglass/core/atomic_file.h"
#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "hourglass/model/network.h"

namespace hourglass::cli {
namespace {

struct Row {
  std::int64_t epochs = 0, best_epoch = 0, parameters = 0;
  double best = 0, loss = 0, seconds = 0;
  std::optional<double> holdout;
  bool stopped_early = false;
};

std::int64_t count(const nlohmann::json& result, const char* key) {
  return result.contains(key) ? whole_number(result, key) : 0;
}

Row read_row(const nlohmann::json& result) {
  Row row;
  row.epochs = count(result, "epochs");
  row.best_epoch = count(result, "best_epoch");
  row.parameters = count(result, "parameters");
  row.best = result.value("best", 0.0);
  row.loss = result.value("loss", 0.0);
  row.seconds = result.value("seconds", 0.0);
  row.stopped_early = result.value("stopped_early", false);
  if (result.contains("holdout_loss")) row.holdout = result["holdout_loss"].get<double>();
  return row;
}

bool is_done(const nlohmann::json& result) { return result.value("outcome", "") == "done"; }

}  // namespace

SweepResults SweepResults::from_json(const nlohmann::json& json) {
  SweepResults results;
  const auto fail = [] {
    throw Error("run.json: its \"results\" cannot be read; train anew into another folder");
  };
  if (!json.is_array()) fail();
  for (const nlohmann::json& result : json) {
    try {  // whoever asks for one of its values later gets it
      const std::int64_t bottleneck = whole_number(result, "bottleneck");
      if (bottleneck < 1 || bottleneck > kMaxWidth) fail();
      read_row(result);
      count(result, "patience");
      is_done(result);
      result.value("checkpoint_kept", true);
      results.results_[static_cast<int>(bottleneck)] = result;
    } catch (const nlohmann::json::exception&) {
      fail();
    } catch (const Error&) {
      fail();
    }
  }
  return results;
}

nlohmann::json SweepResults::to_json() const {
  auto json = nlohmann::json::array();
  for (const auto& [bottleneck, result] : results_) json.push_back(result);
  return json;
}

const nlohmann::json* SweepResults::find(int bottleneck) const {
  const auto found = results_.find(bottleneck);
  return found == results_.end() ? nullptr : &found->second;
}

nlohmann::json& SweepResults::at(int bottleneck) {
  nlohmann::json& result = results_[bottleneck];
  result["bottleneck"] = bottleneck;
  return result;
}

bool SweepResults::all_done() const {
  return std::ranges::all_of(results_, [](const auto& entry) { return is_done(entry.second); });
}

std::vector<int> SweepResults::done() const {
  std::vector<int> bottlenecks;
  for (const auto& [bottleneck, result] : results_) {
    if (is_done(result)) bottlenecks.push_back(bottleneck);
  }
  return bottlenecks;
}

void SweepResults::write_csv(const std::filesystem::path& path) const {
  std::string text =
      "bottleneck,epochs,best_loss,last_loss,holdout_loss,best_epoch,seconds,parameters,"
      "stopped_early\n";
  for (const auto& [bottleneck, result] : results_) {
    if (!is_done(result)) continue;
    const Row row = read_row(result);
    text += fmt::format("{},{},{},{},{},{},{:.3f},{},{:d}\n", bottleneck, row.epochs, row.best,
                        row.loss, row.holdout ? fmt::format("{}", *row.holdout) : "",
                        row.best_epoch, row.seconds, row.parameters, row.stopped_early);
  }
  write_file(path, text);
}

std::string SweepResults::table() const {
  bool any_holdout = false;
  for (const auto& [bottleneck, result] : results_) any_holdout |= result.contains("holdout_loss");
  std::string text = fmt::format("{:>10}  {:>7}  {:>10}  {:>10}", "bottleneck", "epochs",
                                 "best loss", "last loss");
  if (any_holdout) text += fmt::format("  {:>10}", "held out");
  text += fmt::format("  {:>9}  {:>10}\n", "seconds", "parameters");
  for (const auto& [bottleneck, result] : results_) {
    if (!is_done(result)) continue;
    const Row row = read_row(result);
    text += fmt::format("{:>10}  {:>7}  {:>10.6f}  {:>10.6f}", bottleneck, row.epochs, row.best,
                        row.loss);
    if (any_holdout) {
      text += fmt::format("  {:>10}", row.holdout ? fmt::format("{:.6f}", *row.holdout) : "");
    }
    text += fmt::format("  {:>9.2f}  {:>10}{}\n", row.seconds, row.parameters,
                        row.stopped_early ? "  stopped early" : "");
  }
  return text;
}

}  // namespace hourglass::cli
