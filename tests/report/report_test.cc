#include "hourglass/report/report.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hourglass/core/error.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::file_bytes;
using test::put_bytes;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

/// A run of two bottlenecks, as train leaves it.
class ReportTest : public testing::Test {
 protected:
  void SetUp() override {
    const RunFolder run = RunFolder::create(folder_.path());
    run.write_run(
        {{"version", "0.1.0"},
         {"data",
          {{"path", "books & \"readers\".csv"},
           {"sha256", "0123"},
           {"rows", 1000},
           {"columns", 50},
           {"ratings", 12345},
           {"histogram", {{{"value", 4.0}, {"count", 30}}, {{"value", 5.0}, {"count", 10}}}}}},
         {"options", {{"bottleneck", {4, 8}}, {"objective", "all"}, {"epochs", 2000}}},
         {"device_description", "AVX-512, 2 threads"},
         {"outcome", "done"},
         {"seconds", 12.5},
         {"results",
          {{{"bottleneck", 4},
            {"outcome", "done"},
            {"epochs", 3},
            {"best", 0.25},
            {"loss", 0.5},
            {"parameters", 1234567},
            {"seconds", 1.5},
            {"stopped_early", true}},
           {{"bottleneck", 8},
            {"outcome", "done"},
            {"epochs", 3},
            {"best", 0.125},
            {"loss", 0.25}}}}});
    for (const int k : {4, 8}) {
      const BottleneckFolder bottleneck = run.create_bottleneck(k);
      std::string log;
      for (int epoch = 1; epoch <= 3; ++epoch) {
        log += nlohmann::json{{"epoch", epoch},
                              {"loss", 1.0 / (epoch * k)},
                              {"best", 0.1},
                              {"improved", epoch < 3},
                              {"holdout_loss", 2.0 / epoch}}
                   .dump() +
               "\n";
      }
      put_bytes(bottleneck.path / "log.jsonl", log);
    }
  }
  Report report() const { return make_report(RunFolder::open(folder_.path())); }
  std::vector<std::string> charts() const {
    std::vector<std::string> names;
    for (const ChartFile& chart : report().charts) names.push_back(chart.name);
    return names;
  }
  bool has_chart(const std::string& name) const {
    const auto names = charts();
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  const test::TempFolder folder_;
};

TEST_F(ReportTest, TellsTheRunItsResultsAndItsOptions) {
  const std::string html = report().html;
  for (const char* part :
       {"books &amp; &quot;readers&quot;.csv", "1,000 rows x 50 columns, 12,345 ratings", "12.50",
        "AVX-512, 2 threads", ">1,234,567<", ">0.125<", ">--epochs<", ">2000<", ">[4,8]<",
        "default-src 'none'", "<code>hourglass evaluate</code>",
        "<code>hourglass cluster --output</code>"}) {
    EXPECT_TRUE(contains(html, part)) << part;
  }
  for (const char* foreign : {"<script", "http:", "https:", "src=", "@import", "url("}) {
    // The namespace of SVG is a name, not an address.
    std::string rest = html;
    const std::string name = "http://www.w3.org/2000/svg";
    for (auto at = rest.find(name); at != rest.npos; at = rest.find(name))
      rest.erase(at, name.size());
    EXPECT_FALSE(contains(rest, foreign)) << foreign;
  }
  EXPECT_EQ(html, report().html) << "other bytes for the same folder";
}

TEST_F(ReportTest, HasAChartABottleneckAndOneOfAllOnBothScales) {
  EXPECT_EQ(charts(),
            (std::vector<std::string>{"ratings.svg", "loss.svg", "loss-log.svg", "holdout-loss.svg",
                                      "holdout-loss-log.svg", "loss-k=4.svg", "loss-k=4-log.svg",
                                      "loss-k=8.svg", "loss-k=8-log.svg"}));
  for (const ChartFile& chart : report().charts) {
    EXPECT_TRUE(contains(report().html, chart.svg)) << chart.name << " is not in the page";
  }
}

TEST_F(ReportTest, EvaluationsHaveTheirTitleWarningAndBaselines) {
  const nlohmann::json histogram = {
      {"edges", {0, 1, 2}}, {"counts", {3, 1}}, {"below", 0}, {"above", 1}};
  const auto result = [&](const char* name, double rmse) {
    return nlohmann::json{{"name", name},
                          {"rmse", rmse},
                          {"mae", 0.5},
                          {"ndcg", 0.25},
                          {"recall", 0.5},
                          {"hit_rate", 1},
                          {"rmse_all_cells", 2},
                          {"masked_value_count", 77777},
                          {"histogram", histogram}};
  };
  nlohmann::json four = result("k=4", 0.75), popularity = result("popularity", 0);
  four["bottleneck"] = 4;
  for (const char* key : {"rmse", "mae", "rmse_all_cells", "masked_value_count", "histogram"}) {
    popularity[key] = nullptr;
  }
  const nlohmann::json evaluation = {
      {"title", "Masked ratings (seen in training), order within a row"},
      {"warning", "the model has seen <these>"},
      {"hidden", "masked"},
      {"by", "row"},
      {"k", 10},
      {"threshold", 0.1},
      {"rows", 100},
      {"hidden_ratings", 500},
      {"rows_ranked", 99},
      {"rating_histogram", histogram},
      {"results", {four, result("global mean", 1.25), popularity}}};
  put_bytes(folder_ / "evaluation-masked-by-row.json", evaluation.dump());
  const std::string html = report().html;
  for (const char* part : {"<h3>Masked ratings (seen in training), order within a row</h3>",
                           "Warning: the model has seen &lt;these&gt;.", ">0.7500<", ">1.2500<",
                           ">77,777<", ">popularity<", "NDCG@10"}) {
    EXPECT_TRUE(contains(html, part)) << part;
  }
  for (const char* name : {"rmse", "ndcg", "predictions-k=4"}) {
    EXPECT_TRUE(has_chart(std::string("evaluation-masked-by-row-") + name + ".svg")) << name;
  }
  put_bytes(folder_ / "evaluation-masked-by-row.json", "{\"results\": 7}");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "evaluation-masked-by-row.json: "));
  nlohmann::json damaged = evaluation;
  damaged["rating_histogram"]["counts"][0] = "many";
  put_bytes(folder_ / "evaluation-masked-by-row.json", damaged.dump());
  EXPECT_TRUE(contains(error_text([&] { report(); }),
                       "evaluation-masked-by-row.json: is not as hourglass writes it"));
}

TEST_F(ReportTest, ClustersAreDrawnFromTheirFiles) {
  put_bytes(folder_ / "k=8" / "clusters.json",
            R"({"of":"codes","bottleneck":8,"explained_variance_ratio":[0.5,0.25],"clusters":2,)"
            R"("inertia":1.5,"silhouette":0.75,"silhouette_sample":3,"sizes":[2,1]})");
  put_bytes(folder_ / "k=8" / "clusters.csv",
            "book,pc1,pc2,cluster\n\"a,b\",0,1.5,0\nc,-2,0,0\nd,3,0.25,1\n");
  EXPECT_TRUE(has_chart("clusters-k=8.svg"));
  const std::string html = report().html;
  for (const char* part : {"PC1 (50.0 % of the variance)", "PC2 (25.0 % of the variance)",
                           "Of the codes of bottleneck 8", "silhouette 0.750"}) {
    EXPECT_TRUE(contains(html, part)) << part;
  }
}

TEST_F(ReportTest, AClusterThatIsNoneIsRefused) {
  for (const char* label : {"2", "-1", "0.5", "1e9"}) {
    put_bytes(folder_ / "clusters.json", R"({"of":"rows","clusters":2})");
    put_bytes(folder_ / "clusters.csv",
              std::string("book,pc1,pc2,cluster\nb7,0,1.5,") + label + "\n");
    EXPECT_TRUE(contains(error_text([&] { report(); }),
                         "clusters.csv: row b7 is in no cluster of clusters.json"))
        << label;
  }
  put_bytes(folder_ / "clusters.json", R"({"of":"rows","clusters":"two"})");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "clusters.json: is not as"));
}

TEST_F(ReportTest, ALogOfATrainingThatRunsEndsAtItsLastWholeLine) {
  put_bytes(folder_ / "k=4" / "log.jsonl",
            "{\"epoch\":1,\"loss\":2}\n{\"epoch\":2,\"loss\":null}\n{\"epoch\":3,\"lo");
  const auto charts = report().charts;
  const auto loss = std::ranges::find(charts, "loss-k=4.svg", &ChartFile::name);
  ASSERT_NE(loss, charts.end());
  EXPECT_TRUE(contains(loss->svg, "1 value is not drawn: not finite")) << "null is no number";
}

TEST_F(ReportTest, WhatIsMissingOrDamagedIsNamed) {
  const std::string run = test::file_bytes(folder_ / "run.json");
  put_bytes(folder_ / "run.json", R"({"data":[]})");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "run.json: is not as hourglass writes it"));
  put_bytes(folder_ / "run.json", run);
  put_bytes(folder_ / "k=4" / "log.jsonl", "{\"epoch\":1,\"loss\":2}\n{\"epoch\":2,\"lo\n");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "log.jsonl:2: is no record of an epoch"));
  put_bytes(folder_ / "k=4" / "log.jsonl", "");
  EXPECT_FALSE(has_chart("loss-k=4.svg")) << "no epoch has ended";
  std::filesystem::remove_all(folder_ / "k=8");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "no epoch of this run has ended"));
}

TEST_F(ReportTest, ATrainingThatDivergedOrGoesOnIsShown) {
  put_bytes(folder_ / "k=4" / "log.jsonl",
            "{\"epoch\":1,\"loss\":2,\"holdout_loss\":3}\n"
            "{\"epoch\":2,\"loss\":null,\"holdout_loss\":null}\n");
  const std::string diverged = report().html;
  EXPECT_TRUE(contains(diverged, "1 value is not drawn: not finite."));
  put_bytes(folder_ / "k=4" / "log.jsonl",
            file_bytes(folder_ / "k=4" / "log.jsonl") + "{\"epoch\":3,\"lo");
  EXPECT_EQ(report().html, diverged) << "the line that is being written is not yet there";
}

// Of all cells the training loss is another quantity than the held-out one, and far less.
TEST_F(ReportTest, AChartHasOneQuantity) {
  const auto one = [&] {
    for (const ChartFile& chart : report().charts) {
      if (chart.name == "loss-k=4.svg") return chart.svg;
    }
    return std::string();
  };
  EXPECT_TRUE(contains(one(), "mean square over all cells"));
  EXPECT_FALSE(contains(one(), ">held out<"));
  nlohmann::json run = RunFolder::open(folder_.path()).read_run();
  run["options"]["objective"] = "observed";
  RunFolder::open(folder_.path()).write_run(run);
  EXPECT_TRUE(contains(one(), "mean square over rated cells"));
  EXPECT_TRUE(contains(one(), ">held out<"));
}

TEST_F(ReportTest, ValuesOfAnotherKindAreAnErrorInOurWords) {
  for (const char* json : {R"({"data": 3})", R"({"options": [1]})"}) {
    put_bytes(folder_ / "run.json", json);
    const std::string error = error_text([&] { report(); });
    EXPECT_TRUE(contains(error, "run.json: is not as hourglass writes it")) << json << error;
  }
  put_bytes(folder_ / "run.json", "{}");
  EXPECT_TRUE(contains(report().html, "<h2 id=\"loss\">Loss</h2>")) << "keys may be missing";
}

// A page is made of a stranger's folder too.
TEST_F(ReportTest, HostileFilesAreRefusedAtLittleCost) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const auto evaluation = folder_ / "evaluation-a.json";
  put_bytes(evaluation, R"({"results":[],"title":)" + deep + "}");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "is nested too deep"))
      << "to print it would overflow the stack";
  std::string many = R"({"results":[],"more":[{})";
  for (int i = 0; i < 1'000'000; ++i) many += ",{}";
  put_bytes(evaluation, many + "]}");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "too many values"));
  std::filesystem::remove(evaluation);
  ASSERT_EQ(::mkfifo(evaluation.c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_text([&] { report(); }), "cannot read it"))
      << "it would be waited for";
  std::filesystem::remove(evaluation);

  // A name for each of so many clusters takes gigabytes.
  put_bytes(folder_ / "clusters.json", R"({"of":"rows","clusters":2000000000})");
  put_bytes(folder_ / "clusters.csv", "book,pc1,pc2,cluster\nb7,0,1.5,1999999872\n");
  EXPECT_TRUE(contains(error_text([&] { report(); }), "row b7 is in no cluster"));
  std::filesystem::remove(folder_ / "clusters.csv");
  ASSERT_EQ(::mkfifo((folder_ / "clusters.csv").c_str(), 0600), 0);
  const auto log = folder_ / "k=4" / "log.jsonl";
  std::filesystem::remove(log);
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  EXPECT_FALSE(has_chart("loss-k=4.svg"));
  EXPECT_TRUE(has_chart("loss-k=8.svg"));
}

TEST_F(ReportTest, NoTextOfAFileBecomesAnElement) {
  const std::string markup = "<meta http-equiv=refresh content=0>";
  const auto expect_none = [&] {
    const std::string html = report().html;
    EXPECT_FALSE(contains(html, markup));
    EXPECT_TRUE(contains(html, "&lt;meta http-equiv=refresh"));
  };
  for (const char* key :
       {"of", "bottleneck", "clusters", "inertia", "silhouette", "silhouette_sample", "sizes"}) {
    SCOPED_TRACE(key);
    nlohmann::json json = {{"of", "rows"}};
    json[key] = markup;
    put_bytes(folder_ / "clusters.json", json.dump());
    put_bytes(folder_ / "clusters.csv", "book,pc1,cluster\na,0,0\n");  // one component: no chart
    expect_none();
  }
  std::filesystem::remove(folder_ / "clusters.json");
  for (const char* key : {"title", "warning", "by", "threshold", "rows", "rows_ranked"}) {
    SCOPED_TRACE(key);
    put_bytes(folder_ / "evaluation-a.json",
              nlohmann::json{{"results", nlohmann::json::array()}, {key, markup}}.dump());
    expect_none();
  }
  for (const char* key : {"name", "rmse", "ndcg"}) {
    SCOPED_TRACE(key);
    put_bytes(folder_ / "evaluation-a.json", nlohmann::json{{"results", {{{key, markup}}}}}.dump());
    expect_none();
  }
}

// Each of a file's results is charts of the page, and each chart has the title and the bars.
TEST_F(ReportTest, APageStaysInProportionToItsFiles) {
  const auto evaluation = folder_ / "evaluation-a.json";
  const auto refusal = [&](const nlohmann::json& json) {
    put_bytes(evaluation, json.dump());
    return error_text([&] { report(); });
  };
  const nlohmann::json one = {{"bottleneck", 1}, {"histogram", nlohmann::json::object()}};
  nlohmann::json json = {{"rating_histogram", nlohmann::json::object()},
                         {"results", std::vector<nlohmann::json>(501, one)}};
  EXPECT_TRUE(contains(refusal(json), "more results than a page can show"));
  const std::string kind = "evaluation-a.json: is not as hourglass writes it; evaluate again";
  json["results"] = {one};
  json["title"] = std::string(1001, 'x');
  EXPECT_TRUE(contains(refusal(json), kind));
  json.erase("title");
  for (const char* key : {"edges", "counts"}) {
    nlohmann::json bars = json;
    bars["rating_histogram"][key] = std::vector<double>(201);
    EXPECT_TRUE(contains(refusal(bars), kind)) << key;
    bars = json;
    bars["results"][0]["histogram"][key] = std::vector<double>(201);
    EXPECT_TRUE(contains(refusal(bars), kind)) << key;
  }
  for (const nlohmann::json& bottleneck : {nlohmann::json(1e300), nlohmann::json("one")}) {
    nlohmann::json bad = json;
    bad["results"][0]["bottleneck"] = bottleneck;
    EXPECT_TRUE(contains(refusal(bad), kind));
  }
  put_bytes(evaluation, json.dump() + std::string(5'000'000, ' '));
  EXPECT_TRUE(contains(error_text([&] { report(); }), "is one evaluation too many"));
  std::filesystem::remove(evaluation);
  put_bytes(folder_ / "k=4" / "log.jsonl", "{\"epoch\":1,\"loss\":2}\n" + std::string(70'000, ' '));
  EXPECT_TRUE(contains(error_text([&] { report(); }), "log.jsonl:2: is no record"));
}

}  // namespace
}  // namespace hourglass
