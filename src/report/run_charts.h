#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/run_data.h"

namespace hourglass {

/// A chart of the report: the name of its file, and what it shows.
struct NamedChart {
  std::string name;  ///< without ".svg"
  std::string svg;
};

/// The loss of every bottleneck in one chart, linear and logarithmic; the held-out loss likewise.
std::vector<NamedChart> sweep_charts(const RunData& data);
/// Of one bottleneck. Its held-out loss, which is over rated cells, stands beside the training loss
/// where the objective is over them too: of all cells, it is another quantity.
std::vector<NamedChart> bottleneck_charts(const RunData& data, const Epochs& epochs);
std::optional<NamedChart> rating_chart(const nlohmann::json& run);
/// RMSE and NDCG against the bottleneck, the baselines as levels; ratings beside predictions.
std::vector<NamedChart> evaluation_charts(const EvaluationFile& evaluation);

}  // namespace hourglass
