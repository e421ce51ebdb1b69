#include "report/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/report/report.h"

namespace hourglass {
namespace {

constexpr std::size_t kMaxRecord = std::size_t{1} << 16;  // bytes of an epoch's, which has 200

// What a page is made of, so that its memory stays in proportion to what was read: each result is a
// few charts, and each chart tells the title and has a bar an edge.
constexpr std::size_t kMaxResults = 500;  // of all evaluations
constexpr std::size_t kMaxBars = 200;
constexpr std::size_t kMaxTitle = 1000;
constexpr std::uintmax_t kMaxEvaluationBytes = std::uintmax_t{1} << 22;  // of all of them
constexpr std::size_t kMaxBottlenecks = 1000;

/// A number of the log, which has null for what is not finite.
double logged(const nlohmann::json& record, const char* key) {
  const nlohmann::json& value = record.at(key);
  return value.is_null() ? std::nan("") : value.get<double>();
}

Epochs read_epochs(const BottleneckFolder& folder, int bottleneck) {
  const std::filesystem::path log = folder.path / "log.jsonl";
  Epochs epochs;
  epochs.bottleneck = bottleneck;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(log, ignored)) return epochs;  // a pipe would be waited for
  std::ifstream file(log, std::ios::binary);
  std::vector<char> record_text(kMaxRecord);  // a hole in a file is a line of any length
  std::int64_t line_number = 0;
  for (;;) {
    ++line_number;
    const auto fail = [&] {
      throw Error(fmt::format("{}:{}: is no record of an epoch; train --resume mends the log",
                              log.string(), line_number));
    };
    file.getline(record_text.data(), std::ssize(record_text));
    // The last line may have no end: a training that runs, or was killed, was writing it.
    if (file.eof() || file.bad()) break;
    if (file.fail()) fail();  // longer than a record
    try {
      const nlohmann::json record = parse_json(
          std::string_view(record_text.data(), static_cast<std::size_t>(file.gcount()) - 1));
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

bool has_bars(const nlohmann::json& owner, const char* key) {
  const auto found = owner.find(key);
  return found == owner.end() || !found->is_object() ||
         (found->value("edges", nlohmann::json()).size() <= kMaxBars &&
          found->value("counts", nlohmann::json()).size() <= kMaxBars);
}

/// Whether `evaluation` is as evaluate writes it, as far as the page's size goes.
bool can_be_drawn(const nlohmann::json& evaluation) {
  const auto text_fits = [](const nlohmann::json& owner, const char* key) {
    return owner.value(key, "").size() <= kMaxTitle;
  };
  if (!text_fits(evaluation, "title") || !has_bars(evaluation, "rating_histogram")) return false;
  return std::ranges::all_of(evaluation["results"], [&](const nlohmann::json& result) {
    return result.is_object() && text_fits(result, "name") && has_bars(result, "histogram") &&
           (!result.contains("bottleneck") || result["bottleneck"].is_number_integer());
  });
}

std::vector<EvaluationFile> read_evaluations(const std::filesystem::path& folder) {
  std::vector<EvaluationFile> evaluations;
  std::size_t n_results = 0;
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::filesystem::path& path = entry.path();
    const std::string name = path.filename().string();
    if (!name.starts_with("evaluation-") || path.extension() != ".json") continue;
    const auto fail = [&](const char* what) {
      throw Error(fmt::format("{}: {}", path.string(), what));
    };
    const std::uintmax_t size = entry.file_size(error);
    if (!error) bytes += size;
    if (bytes > kMaxEvaluationBytes) fail("is one evaluation too many for a page; remove some");
    EvaluationFile file{path.stem().string(), path, read_json_object(path, "make it again")};
    const auto results = file.json.find("results");
    if (results == file.json.end() || !results->is_array()) fail("has no results; evaluate again");
    as_written(path, "evaluate again", [&] {
      if (!can_be_drawn(file.json)) fail("is not as hourglass writes it; evaluate again");
    });
    n_results += results->size();
    if (n_results > kMaxResults)
      fail("has more results than a page can show; evaluate fewer models");
    evaluations.push_back(std::move(file));
  }
  std::ranges::sort(evaluations, {}, &EvaluationFile::name);
  return evaluations;
}

/// clusters.json and clusters.csv, whose columns are pc1, pc2, ..., cluster.
void add_clusters(const std::filesystem::path& folder, const std::string& name,
                  std::vector<ClusterFile>& all) {
  std::error_code ignored;
  for (const char* file : {"clusters.json", "clusters.csv"}) {
    if (!std::filesystem::is_regular_file(folder / file, ignored)) return;
  }
  ClusterFile clusters{
      name, read_json_object(folder / "clusters.json", "make it again"), {}, false};
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
  const std::vector<int> bottlenecks = run.bottlenecks();
  if (bottlenecks.size() > kMaxBottlenecks) {
    throw Error(data.path + ": has more bottlenecks than a page can show; move some elsewhere");
  }
  for (const int bottleneck : bottlenecks) {
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
