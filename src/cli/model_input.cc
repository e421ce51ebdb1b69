#include "cli/model_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/streams.h"
#include "cli/sweep_results.h"
#include "hourglass/core/available_memory.h"
#include "hourglass/core/error.h"
#include "hourglass/train/run_folder.h"

namespace hourglass::cli {

std::vector<std::filesystem::path> model_paths(const std::filesystem::path& run_or_model) {
  if (!std::filesystem::is_directory(run_or_model)) return {run_or_model};
  const BottleneckFolder folder = {run_or_model};
  if (std::filesystem::exists(folder.model())) return {folder.model()};
  const RunFolder run = RunFolder::open(run_or_model);
  std::vector<std::filesystem::path> paths;
  // Not whatever lies there: run.json tells which models are of its options.
  const auto results =
      SweepResults::from_json(run.read_run().value("results", nlohmann::json::array()));
  for (const int bottleneck : results.done()) {
    paths.push_back(run.bottleneck(bottleneck).model());
  }
  if (paths.empty()) {
    throw Error(fmt::format("{}: no bottleneck of this run is finished; train --resume goes on",
                            run_or_model.string()));
  }
  return paths;
}

std::filesystem::path model_path(const std::filesystem::path& run_or_model) {
  const auto paths = model_paths(run_or_model);
  if (paths.size() > 1) {
    throw Error(fmt::format("{}: holds {} models; name one, {} say", run_or_model.string(),
                            paths.size(), paths.front().string()));
  }
  return paths.front();
}

CsrMatrix align_to(const Model& model, const CsrMatrix& matrix, const IdList& column_ids,
                   const ReadOptions& read) {
  const auto transpose = model.training.find("transpose");
  if (transpose != model.training.end() && *transpose != read.transpose) {
    tell("warning: the model was trained {} --transpose, and the ratings are read {} it\n",
         read.transpose ? "without" : "with", read.transpose ? "with" : "without");
  }
  AlignedRatings aligned = align_columns(matrix, column_ids, model.column_ids);
  if (aligned.unknown_ids.size() > 0) {
    constexpr std::int64_t kNamed = 5;
    constexpr std::size_t kShown = 40;  // bytes of each
    std::string names;
    for (std::int64_t i = 0; i < std::min(kNamed, aligned.unknown_ids.size()); ++i) {
      names += (i > 0 ? ", " : "") + in_one_line(aligned.unknown_ids[i].substr(0, kShown));
    }
    if (aligned.unknown_ids.size() > kNamed) names += ", ...";
    tell(
        "warning: {} columns of the ratings are unknown to the model, and their {} ratings "
        "left out: {}\n",
        aligned.unknown_ids.size(), aligned.n_unknown, names);
  }
  return std::move(aligned.matrix);
}

void require_memory_to_predict(const Backend& backend, const Model& model, std::int64_t n_rows) {
  if (!backend.reads_host_memory()) return;
  std::int64_t floats = 0, packed = 0;
  for (const LayerShape& layer : model.shape.layers()) {
    const std::int64_t rows = std::max((layer.n_inputs + 1) * padded(layer.n_outputs),
                                       layer.n_outputs * padded(layer.n_inputs + 1));
    floats += rows;
    packed = std::max(packed, rows);
  }
  floats += packed + n_rows * padded(model.shape.layers().back().n_inputs + 1);
  require_memory(static_cast<std::uint64_t>(floats) * sizeof(float), "running the model",
                 "take fewer rows at a time, or use a machine with more");
}

}  // namespace hourglass::cli
