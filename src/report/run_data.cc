#include "report/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/report/report.h"

namespace hourglass {
namespace {

/// A number of the log, which has null for what is not finite.
double logged(const nlohmann::json& record, const char* key) {
  const nlohmann::json& value = record.at(key);
  return value.is_null() ? std::nan("") : value.get<double>();
}

Epochs read_epochs(const BottleneckFolder& folder, int bottleneck) {
  const std::filesystem::path log = folder.path / "log.jsonl";
  Epochs epochs;
  epochs.bottleneck = bottleneck;
  if (!std::filesystem::is_regular_file(log)) return epochs;  // a pipe would be waited for
  std::ifstream file(log, std::ios::binary);
  file.exceptions(std::ios::badbit);  // else getline() takes std::bad_alloc for the file's end
  std::int64_t line_number = 0;
  // Without the last line where it has no end: a training that runs, or was killed, was writing it.
  for (std::string line; std::getline(file, line) && !file.eof();) {
    ++line_number;
    const auto fail = [&] {
      throw Error(fmt::format("{}:{}: is no record of an epoch; train --resume mends the log",
                              log.string(), line_number));
    };
    try {
      const nlohmann::json record = parse_json(line);
      epochs.epoch.push_back(record.at("epoch"));
      epochs.loss.push_back(logged(record, "loss"));
      const auto add = [&](const char* key, std::vector<double>& values) {
        if (record.contains(key)) values.push_back(logged(record, key));
      };
      add("holdout_loss", epochs.holdout);
      add("mean_square", epochs.mean_square);
      add("sparsity_penalty", epochs.penalty);
      if (record.value("improved", false)) epochs.best_epoch = epochs.epoch.size() - 1;
    } catch (const nlohmann::json::exception&) {
      fail();
    } catch (const Error&) {
      fail();
    }
  }
  for (std::vector<double>* part : {&epochs.holdout, &epochs.mean_square, &epochs.penalty}) {
    if (part->size() != epochs.epoch.size()) part->clear();
  }
  return epochs;
}

std::vector<EvaluationFile> read_evaluations(const std::filesystem::path& folder) {
  std::vector<EvaluationFile> evaluations;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::filesystem::path& path = entry.path();
    if (!path.filename().string().starts_with("evaluation-") || path.extension() != ".json") {
      continue;
    }
    EvaluationFile file{path.stem().string(), path, read_json_object(path, "make it again")};
    const auto results = file.json.find("results");
    if (results == file.json.end() || !results->is_array()) {
      throw Error(fmt::format("{}: has no results; evaluate again", path.string()));
    }
    evaluations.push_back(std::move(file));
  }
  std::ranges::sort(evaluations, {}, &EvaluationFile::name);
  return evaluations;
}

/// clusters.json and clusters.csv, whose columns are pc1, pc2, ..., cluster.
void add_clusters(const std::filesystem::path& folder, const std::string& name,
                  std::vector<ClusterFile>& all) {
  if (!std::filesystem::is_regular_file(folder / "clusters.json") ||
      !std::filesystem::is_regular_file(folder / "clusters.csv")) {
    return;
  }
  ClusterFile clusters{name, read_json_object(folder / "clusters.json", "make it again"), {}, false};
  ReadOptions as_table;
  as_table.format = RatingsFormat::kWide;
  as_table.keep_zeros = true;
  const Ratings table = read_ratings((folder / "clusters.csv").string(), as_table);
  const std::int64_t n_columns = table.matrix.n_columns;
  if (n_columns < 3 || table.matrix.n_entries() != table.matrix.n_rows * n_columns) {
    all.push_back(std::move(clusters));  // a single component has no plane to be drawn in
    return;
  }
  std::vector<double> pc1, pc2;
  std::vector<std::int32_t> labels;
  // No more than rows: each of them gets a name, drawn or not.
  const auto n_clusters = std::min(clusters.json.at("clusters").get<double>(),
                                   static_cast<double>(table.matrix.n_rows));
  for (std::int64_t row = 0; row < table.matrix.n_rows; ++row) {
    const float* values = table.matrix.values.data() + row * n_columns;
    pc1.push_back(values[0]);
    pc2.push_back(values[1]);
    const float label = values[n_columns - 1];
    if (!(label >= 0 && label < n_clusters && label == std::floor(label))) {
      throw Error(fmt::format("{}: row {} is in no cluster of clusters.json; cluster again",
                              (folder / "clusters.csv").string(), table.row_ids[row]));
    }
    labels.push_back(static_cast<std::int32_t>(label));
  }
  const auto ratios = clusters.json.value("explained_variance_ratio", std::vector<double>{});
  clusters.chart =
      cluster_chart(pc1, pc2, labels, ratios, clusters.json.value("of", "rows"), table.row_name);
  clusters.has_chart = true;
  all.push_back(std::move(clusters));
}

}  // namespace

RunData read_run_data(const RunFolder& run) {
  RunData data;
  data.path = run.path().string();
  data.run_json = run.run_json();
  data.run = run.read_run();
  const auto clusters_of = [&](const std::filesystem::path& folder, const std::string& name) {
    as_written(folder / "clusters.json", "cluster again",
               [&] { add_clusters(folder, name, data.clusters); });
  };
  clusters_of(run.path(), "clusters");
  for (const int bottleneck : run.bottlenecks()) {
    const BottleneckFolder folder = run.bottleneck(bottleneck);
    Epochs epochs = read_epochs(folder, bottleneck);
    if (!epochs.epoch.empty()) data.bottlenecks.push_back(std::move(epochs));
    clusters_of(folder.path, fmt::format("clusters-k={}", bottleneck));
  }
  if (data.bottlenecks.empty()) {
    throw Error(data.path + ": no epoch of this run has ended; there is nothing to report yet");
  }
  data.evaluations = read_evaluations(run.path());
  return data;
}

}  // namespace hourglass
