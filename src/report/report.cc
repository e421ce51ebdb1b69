#include "hourglass/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/run_charts.h"
#include "report/run_data.h"
#include "report/svg.h"

namespace hourglass {
namespace {

// Colours as the charts have them (svg.cc).
constexpr const char* kPage = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d5d9de;--shade:#f4f6f8;--warn:#8a4b00}}
@media (prefers-color-scheme:dark){{:root{{--page:#15181c;--ink:#e8eaed;--soft:#a8b0b9;--line:#363c44;--shade:#1d2126;--warn:#ffb469}}}}
body{{margin:0 auto;padding:1rem 1.25rem 3rem;max-width:76rem;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}}
h1{{font-size:1.6rem;margin:.5rem 0}} h2{{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line)}} h3{{font-size:1.05rem;margin:1.4rem 0 .4rem}}
p.soft,caption,figcaption{{color:var(--soft)}} .warning{{color:var(--warn)}}
nav a{{margin-right:1rem;color:inherit}}
.charts{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}}
figure{{margin:0;min-width:0}} figure svg{{width:100%;max-width:36rem;height:auto}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
caption{{text-align:left;padding:.3rem 0}} th,td{{padding:.25rem .75rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}}
th:first-child,td:first-child{{text-align:left}} thead th{{background:var(--shade)}} td.text{{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:9rem}} .pairs th{{white-space:normal;text-align:left}}
@media print{{:root{{color-scheme:light;--page:#fff;--ink:#000;--soft:#333;--line:#bbb;--shade:#fff;--warn:#000}} body{{max-width:none;font-size:11pt}} nav{{display:none}} figure,tr{{break-inside:avoid}} h2,h3{{break-after:avoid}} .charts{{grid-template-columns:1fr 1fr}} .scroll{{overflow:visible}}}}
</style>
</head>
<body>
{body}</body>
</html>
)";

using Cells = std::vector<std::string>;

/// A table; without a head where that is empty. Cells are escaped here.
std::string table(const std::string& caption, const Cells& head, const std::vector<Cells>& rows,
                  bool texts = false) {
  std::string html =
      texts ? "<div class=\"scroll\"><table class=\"pairs\">\n" : "<div class=\"scroll\"><table>\n";
  if (!caption.empty()) html += "<caption>" + escaped(caption) + "</caption>\n";
  if (!head.empty()) {
    html += "<thead><tr>";
    for (const std::string& cell : head) html += "<th scope=\"col\">" + escaped(cell) + "</th>";
    html += "</tr></thead>\n";
  }
  html += "<tbody>\n";
  for (const Cells& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const char* open = i == 0 ? "<th scope=\"row\">" : texts ? "<td class=\"text\">" : "<td>";
      html += open + escaped(row[i]) + (i == 0 ? "</th>" : "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

/// A value of JSON for people, not escaped; "-" where there is none.
std::string shown(const nlohmann::json& object, const char* key, const char* format = "{:.6g}") {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  if (found->is_number_integer()) return grouped(found->get<std::int64_t>());
  if (found->is_number()) return fmt::format(fmt::runtime(format), found->get<double>());
  if (found->is_boolean()) return found->get<bool>() ? "yes" : "no";
  if (found->is_string()) return found->get<std::string>();
  return found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class Page {
 public:
  explicit Page(const RunData& data) : data_(data) {}
  Report finish();

 private:
  void section(const char* id, const std::string& title);
  void add(const std::vector<NamedChart>& charts);
  void summary();
  void losses();
  void results();
  void evaluations();
  void evaluation(const EvaluationFile& file);
  void clusters();
  void options();

  const RunData& data_;
  std::string body_, contents_;
  std::vector<ChartFile> charts_;
};

void Page::section(const char* id, const std::string& title) {
  contents_ += fmt::format("<a href=\"#{}\">{}</a>\n", id, escaped(title));
  body_ += fmt::format("<h2 id=\"{}\">{}</h2>\n", id, escaped(title));
}

void Page::add(const std::vector<NamedChart>& charts) {
  body_ += "<div class=\"charts\">\n";
  for (const NamedChart& chart : charts) {
    body_ += "<figure>\n" + chart.svg + "</figure>\n";
    charts_.push_back({chart.name + ".svg", chart.svg});
  }
  body_ += "</div>\n";
}

void Page::summary() {
  const auto& run = data_.run;
  const auto ratings = run.value("data", nlohmann::json::object());
  section("run", "The run");
  std::vector<Cells> rows = {
      {"ratings", shown(ratings, "path")},
      {"size", fmt::format("{} rows x {} columns, {} ratings", shown(ratings, "rows"),
                           shown(ratings, "columns"), shown(ratings, "ratings"))},
      {"outcome", shown(run, "outcome")},
      {"device", shown(run, "device_description")},
      {"seconds in all", shown(run, "seconds", "{:.2f}")},
      {"peak memory (MiB)", shown(run, "peak_mib", "{:.0f}")},
      {"hourglass", shown(run, "version")},
      {"digest of the ratings (SHA-256)", shown(ratings, "sha256")}};
  if (run.contains("holdout")) {
    rows.insert(rows.begin() + 2,
                {"held out", shown(run["holdout"], "ratings") + " of the ratings"});
  }
  if (run.contains("error")) rows.push_back({"error", shown(run, "error")});
  body_ += table("", {}, rows, true);
  if (const auto chart = rating_chart(run)) add({*chart});
}

void Page::losses() {
  section("loss", "Loss");
  add(sweep_charts(data_));
  for (const Epochs& epochs : data_.bottlenecks) {
    body_ += fmt::format("<h3>Bottleneck {}</h3>\n", epochs.bottleneck);
    add(bottleneck_charts(data_, epochs));
  }
}

void Page::results() {
  section("results", "Results");
  const auto results = data_.run.value("results", nlohmann::json::array());
  std::vector<Cells> rows;
  for (const nlohmann::json& result : results) {
    rows.push_back({shown(result, "bottleneck"), shown(result, "outcome"), shown(result, "epochs"),
                    shown(result, "best"), shown(result, "best_epoch"), shown(result, "loss"),
                    shown(result, "holdout_loss"), shown(result, "seconds", "{:.2f}"),
                    shown(result, "parameters"), shown(result, "stopped_early")});
  }
  body_ +=
      table("Losses are means of an epoch; \"best\" is of the loss that early stopping watched.",
            {"bottleneck", "outcome", "epochs", "best loss", "best epoch", "last loss",
             "held-out loss", "seconds", "parameters", "stopped early"},
            rows);
}

void Page::evaluations() {
  section("evaluation", "Evaluation");
  if (data_.evaluations.empty()) {
    body_ += "<p class=\"soft\">None yet: <code>hourglass evaluate</code> makes one.</p>\n";
  }
  for (const EvaluationFile& file : data_.evaluations) {
    as_written(file.path, "evaluate again", [&] { evaluation(file); });
  }
}

void Page::evaluation(const EvaluationFile& file) {
  const nlohmann::json& json = file.json;
  const std::string k = shown(json, "k");
  body_ += fmt::format("<h3>{}</h3>\n", escaped(shown(json, "title")));
  if (json.contains("warning")) {
    body_ += "<p class=\"warning\">Warning: " + escaped(shown(json, "warning")) + ".</p>\n";
  }
  std::vector<Cells> rows;
  for (const nlohmann::json& result : json["results"]) {
    rows.push_back({shown(result, "name"), shown(result, "rmse", "{:.4f}"),
                    shown(result, "mae", "{:.4f}"), shown(result, "rmse_all_cells", "{:.4f}"),
                    shown(result, "masked_value_count"), shown(result, "recall", "{:.4f}"),
                    shown(result, "ndcg", "{:.4f}"), shown(result, "hit_rate", "{:.4f}")});
  }
  body_ += table(fmt::format("{} rows, {} hidden ratings; {} {}s with a hidden one are ranked. "
                             "RMSE and MAE are over the hidden ratings.",
                             shown(json, "rows"), shown(json, "hidden_ratings"),
                             shown(json, "rows_ranked"), shown(json, "by")),
                 {"", "RMSE", "MAE", "RMSE, all cells",
                  "predictions above " + shown(json, "threshold", "{:g}"), "Recall@" + k,
                  "NDCG@" + k, "hit rate@" + k},
                 rows);
  add(evaluation_charts(file));
}

void Page::clusters() {
  section("clusters", "Principal components and clusters");
  if (data_.clusters.empty()) {
    body_ +=
        "<p class=\"soft\">None yet: <code>hourglass cluster --output</code> this folder, or a "
        "bottleneck's, makes them.</p>\n";
  }
  for (const ClusterFile& file : data_.clusters) {
    const nlohmann::json& json = file.json;
    const std::string of =
        shown(json, "of") +
        (json.contains("bottleneck") ? " of bottleneck " + shown(json, "bottleneck") : "");
    body_ += fmt::format(
        "<h3>Of the {}</h3>\n<p>{} clusters, inertia {}, silhouette {} (a sample "
        "of {}); sizes {}.</p>\n",
        escaped(of), escaped(shown(json, "clusters")), escaped(shown(json, "inertia")),
        escaped(shown(json, "silhouette", "{:.3f}")), escaped(shown(json, "silhouette_sample")),
        escaped(shown(json, "sizes")));
    if (file.has_chart) add({{file.name, draw(file.chart)}});
  }
}

void Page::options() {
  section("options", "Options");
  std::vector<Cells> rows;
  const auto options = data_.run.value("options", nlohmann::json::object());
  for (const auto& [name, value] : options.items()) {
    // As the command line would have it: no thousands' commas here.
    rows.push_back(
        {"--" + name, value.is_string()
                          ? value.get<std::string>()
                          : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }
  body_ += table("What decides the result.", {"option", "value"}, rows, true);
}

Report Page::finish() {
  const auto of_run = [&](auto part) {
    as_written(data_.run_json, "train anew into another folder", [&] { (this->*part)(); });
  };
  of_run(&Page::summary);
  of_run(&Page::losses);
  of_run(&Page::results);
  evaluations();
  clusters();
  of_run(&Page::options);
  const std::string title = "Hourglass: " + data_.path;
  const std::string top = "<h1>" + escaped(title) + "</h1>\n<nav>\n" + contents_ + "</nav>\n";
  return {fmt::format(fmt::runtime(kPage), fmt::arg("title", escaped(title)),
                      fmt::arg("body", top + body_)),
          charts_};
}

}  // namespace

Report make_report(const RunFolder& run) {
  const RunData data = read_run_data(run);
  return Page(data).finish();
}

}  // namespace hourglass
