#include "report/run_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hourglass/report/report.h"

namespace hourglass {
namespace {

// What the run's objective is the mean square over.
std::string objective_of(const RunData& data) {
  const auto options = data.run.value("options", nlohmann::json::object());
  return options.value("objective", "");
}

std::string loss_label(const RunData& data) {
  const std::string objective = objective_of(data);
  if (objective == "all") return "loss (mean square over all cells)";
  if (objective == "observed") return "loss (mean square over rated cells)";
  return "loss (mean square)";
}

/// The chart as it is, and with a logarithmic y axis.
void add_both_scales(std::vector<NamedChart>& charts, const std::string& name, LineChart chart) {
  charts.push_back({name, draw(chart)});
  chart.y.scale = Scale::kLog;
  chart.title += ", logarithmic";
  charts.push_back({name + "-log", draw(chart)});
}

std::string rung(const Epochs& epochs) {
  return epochs.best_epoch ? fmt::format("The ring is epoch {}, the last that improved.",
                                         epochs.epoch[*epochs.best_epoch])
                           : "";
}

/// A number of the results, NaN where there is none.
double number(const nlohmann::json& result, const char* key) {
  const auto found = result.find(key);
  return found != result.end() && found->is_number() ? found->get<double>() : std::nan("");
}

LineChart against_bottleneck(const EvaluationFile& evaluation, const char* key,
                             const std::string& quantity) {
  LineChart chart;
  chart.title = quantity + " against the bottleneck";
  chart.caption = evaluation.json.value("title", "") + ".";
  chart.x.label = "bottleneck (units of the code)";
  chart.y.label = quantity;
  Line models = {.name = "models", .x = {}, .y = {}, .markers = true};
  for (const nlohmann::json& result : evaluation.json["results"]) {
    const double y = number(result, key);
    if (result.contains("bottleneck")) {
      models.x.push_back(number(result, "bottleneck"));
      models.y.push_back(y);
      chart.x.ticks.push_back(models.x.back());
    } else if (std::isfinite(y)) {
      chart.levels.push_back({result.value("name", ""), y});
    }
  }
  if (models.x.size() > 1) chart.x.scale = Scale::kLog;
  chart.lines.push_back(models);
  return chart;
}

/// Bars of one histogram of evaluate; what lies outside the edges is told in the caption.
Bars bars_of(const std::string& name, const nlohmann::json& histogram, std::string& caption) {
  Bars bars{name, {}};
  const auto edges = histogram.value("edges", std::vector<double>{});
  const auto counts = histogram.value("counts", std::vector<double>{});
  const double below = histogram.value("below", 0.0), above = histogram.value("above", 0.0);
  double all = below + above;
  for (const double count : counts) all += count;
  for (std::size_t i = 0; i < counts.size() && i + 1 < edges.size() && all > 0; ++i) {
    bars.bars.push_back({edges[i], edges[i + 1], 100 * counts[i] / all});
  }
  if (all > 0 && below + above > 0) {
    caption += fmt::format(" {:.2g} % of the {} lie below the axis, {:.2g} % above.",
                           100 * below / all, name, 100 * above / all);
  }
  return bars;
}

}  // namespace

std::vector<NamedChart> sweep_charts(const RunData& data) {
  LineChart training, holdout;
  training.title = "Training loss of every bottleneck";
  holdout.title = "Held-out loss of every bottleneck";
  training.x.label = holdout.x.label = "epoch";
  training.y.label = loss_label(data);
  holdout.y.label = "loss (mean square over ratings never trained on)";
  for (const Epochs& epochs : data.bottlenecks) {
    const std::string name = fmt::format("k={}", epochs.bottleneck);
    const bool few = epochs.epoch.size() <= 2;
    training.lines.push_back({name, epochs.epoch, epochs.loss, few, {}});
    if (!epochs.holdout.empty()) {
      holdout.lines.push_back({name, epochs.epoch, epochs.holdout, few, {}});
    }
  }
  std::vector<NamedChart> charts;
  add_both_scales(charts, "loss", training);
  if (!holdout.lines.empty()) add_both_scales(charts, "holdout-loss", holdout);
  return charts;
}

std::vector<NamedChart> bottleneck_charts(const RunData& data, const Epochs& epochs) {
  LineChart chart;
  chart.title = fmt::format("Loss, bottleneck {}", epochs.bottleneck);
  chart.caption = rung(epochs);
  chart.x.label = "epoch";
  chart.y.label = loss_label(data);
  const bool few = epochs.epoch.size() <= 2;
  const auto add = [&](const char* name, const std::vector<double>& y) {
    if (!y.empty()) chart.lines.push_back({name, epochs.epoch, y, few, epochs.best_epoch});
  };
  add("training", epochs.loss);
  if (objective_of(data) != "all") add("held out", epochs.holdout);
  add("mean square", epochs.mean_square);
  add("sparsity penalty", epochs.penalty);
  std::vector<NamedChart> charts;
  add_both_scales(charts, fmt::format("loss-k={}", epochs.bottleneck), chart);
  return charts;
}

std::optional<NamedChart> rating_chart(const nlohmann::json& run) {
  const auto data = run.value("data", nlohmann::json::object());
  const auto histogram = data.value("histogram", nlohmann::json::array());
  if (!histogram.is_array() || histogram.empty()) return {};
  double all = 0, gap = 0;
  std::vector<double> values;
  for (const nlohmann::json& bar : histogram) {
    all += number(bar, "count");
    if (!bar.contains("value")) continue;
    values.push_back(number(bar, "value"));
    const std::size_t n = values.size();
    if (n > 1)
      gap = gap > 0 ? std::min(gap, values[n - 1] - values[n - 2]) : values[n - 1] - values[n - 2];
  }
  const double half = gap > 0 ? gap / 2 : 0.5;  // a single value stands alone
  BarChart chart;
  chart.title = "Ratings";
  chart.x.label = "rating";
  chart.y.label = "share of the ratings (%)";
  Bars bars{"ratings", {}};
  for (const nlohmann::json& bar : histogram) {
    const bool value = bar.contains("value");
    const double from = value ? number(bar, "value") - half : number(bar, "from");
    const double to = value ? number(bar, "value") + half : number(bar, "to");
    bars.bars.push_back({from, to, 100 * number(bar, "count") / all});
  }
  if (values.size() <= 10) chart.x.ticks = values;
  chart.distributions.push_back(bars);
  return NamedChart{"ratings", draw(chart)};
}

std::vector<NamedChart> evaluation_charts(const EvaluationFile& evaluation) {
  std::vector<NamedChart> charts;
  const std::string ndcg = fmt::format("NDCG@{:.15g}", evaluation.json.value("k", 10.0));
  charts.push_back({evaluation.name + "-rmse",
                    draw(against_bottleneck(evaluation, "rmse", "RMSE of the hidden ratings"))});
  charts.push_back({evaluation.name + "-ndcg", draw(against_bottleneck(evaluation, "ndcg", ndcg))});
  const auto ratings = evaluation.json.value("rating_histogram", nlohmann::json());
  if (!ratings.is_object()) return charts;
  // A chart a model: five outlines over each other would hide what each is compared with.
  for (const nlohmann::json& result : evaluation.json["results"]) {
    if (!result.contains("bottleneck") ||
        !result.value("histogram", nlohmann::json()).is_object()) {
      continue;
    }
    const auto name = result.value("name", "");
    BarChart chart;
    chart.title = fmt::format("Hidden ratings and what {} predicts for them", name);
    chart.caption = evaluation.json.value("title", "") + ".";
    chart.x.label = "rating";
    chart.y.label = "share (%)";
    chart.distributions.push_back(bars_of("ratings", ratings, chart.caption));
    chart.distributions.push_back(bars_of("predictions", result["histogram"], chart.caption));
    charts.push_back({fmt::format("{}-predictions-k={}", evaluation.name,
                                  result["bottleneck"].get<std::int64_t>()),
                      draw(chart)});
  }
  return charts;
}

ScatterChart cluster_chart(std::span<const double> pc1, std::span<const double> pc2,
                           std::span<const std::int32_t> clusters, std::span<const double> ratios,
                           const std::string& of, const std::string& row_name) {
  ScatterChart chart;
  chart.title = fmt::format("Principal components of the {}, by cluster", of);
  const auto label = [&](std::size_t i) {
    return i < ratios.size()
               ? fmt::format("PC{} ({:.1f} % of the variance)", i + 1, 100 * ratios[i])
               : fmt::format("PC{}", i + 1);
  };
  chart.x.label = label(0);
  chart.y.label = label(1);
  chart.xs.assign(pc1.begin(), pc1.end());
  chart.ys.assign(pc2.begin(), pc2.end());
  chart.groups.assign(clusters.begin(), clusters.end());
  const std::int32_t n = clusters.empty() ? 0 : *std::ranges::max_element(clusters) + 1;
  for (std::int32_t i = 0; i < n; ++i) chart.group_names.push_back(fmt::format("{}", i));
  chart.points_are = row_name == "row" ? "rows" : fmt::format("rows ({})", row_name);
  return chart;
}

}  // namespace hourglass
