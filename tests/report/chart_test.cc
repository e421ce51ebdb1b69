#include "hourglass/report/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "support/torch_test.h"

namespace hourglass {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

bool contains(const std::string& text, const std::string& part) { return count(text, part) > 0; }

/// Python's parser takes it for a whole SVG document that refers to nothing outside.
void expect_svg(const std::string& svg) {
  const test::TempFolder folder;
  test::put_bytes(folder / "chart.svg", svg);
  const test::Finished check = test::run_program(
      {"python3", std::string(HOURGLASS_SOURCE_DIR) + "/tests/report/check_xml.py",
       folder / "chart.svg"});
  EXPECT_EQ(check.status, 0) << check.output << svg.substr(0, 2000);
}

LineChart losses() {
  LineChart chart;
  chart.title = "Loss";
  chart.x.label = "epoch";
  chart.y.label = "loss (mean square)";
  chart.lines = {{"k=8", {1, 2, 3, 4}, {4, 2, 1.5, 1.2}, false, {}},
                 {"k=64", {1, 2, 3, 4}, {3, 1, 0.5, 0.3}, true, 3}};
  chart.levels = {{"baseline", 2.5}};
  return chart;
}

TEST(LineChartTest, NamesLinesLevelsAndAxes) {
  const std::string svg = draw(losses());
  expect_svg(svg);
  for (const char* part : {">Loss<", ">epoch<", ">loss (mean square)<", ">k=8<", ">k=64<",
                           ">baseline<", "k=64, 4: 0.3"}) {
    EXPECT_TRUE(contains(svg, part)) << part;
  }
  EXPECT_EQ(count(svg, "class=\"hg-line hg-s"), 4U) << "two lines, and a swatch for each";
  EXPECT_EQ(svg, draw(losses())) << "other bytes for the same data";
}

TEST(LineChartTest, ALogarithmicAxisHasDecadesAndLeavesOutWhatIsNotPositive) {
  LineChart chart = losses();
  chart.levels.clear();
  chart.y.scale = Scale::kLog;
  chart.lines = {{"a", {1, 2, 3}, {100, 0, 0.01}, false, {}}};
  const std::string svg = draw(chart);
  expect_svg(svg);
  EXPECT_TRUE(contains(svg, "1 value is not drawn: not finite, or not positive"));
  EXPECT_TRUE(contains(svg, ">100<"));
  EXPECT_TRUE(contains(svg, ">0.01<"));
}

TEST(LineChartTest, SurvivesAnyData) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const double most = std::numeric_limits<double>::max();
  for (const std::vector<double>& y : {std::vector<double>{},
                                       {5},
                                       {5, 5, 5},
                                       {nan, nan},
                                       {1, nan, infinity, 2},
                                       {0, 0},
                                       {-most, most},
                                       {5e-324, 1e-300},
                                       {-3, -2, -1},
                                       {1e15, 1e15 + 1}}) {
    for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
      LineChart chart = losses();
      chart.levels.clear();
      chart.y.scale = scale;
      std::vector<double> x;
      for (std::size_t i = 0; i < y.size(); ++i) x.push_back(static_cast<double>(i));
      chart.lines = {{"a", x, y, true, 0}};
      expect_svg(draw(chart));
    }
  }
  LineChart uneven = losses();
  uneven.lines[0].x.pop_back();
  EXPECT_THROW(draw(uneven), std::invalid_argument);
}

TEST(LineChartTest, TextsMayBeAnyBytes) {
  LineChart chart = losses();
  chart.title = "<script>&\"' \xff\xc3(\x01 \xe2\x82\xac";
  chart.lines[0].name = "]]>\x80";
  const std::string svg = draw(chart);
  expect_svg(svg);
  EXPECT_TRUE(contains(svg, "&lt;script&gt;&amp;"));
  EXPECT_TRUE(contains(svg, "\xe2\x82\xac")) << "what is UTF-8 stays";
  EXPECT_FALSE(contains(svg, "<script"));
}

TEST(LineChartTest, AThousandTimesTheEpochsIsNotAThousandTimesTheFile) {
  LineChart chart = losses();
  std::vector<double> x, y;
  for (int i = 1; i <= 100000; ++i) {
    x.push_back(i);
    y.push_back(1.0 / i + (i % 2) * 0.01);
  }
  chart.lines = {{"a", x, y, false, {}}};
  const std::string svg = draw(chart);
  expect_svg(svg);
  EXPECT_LT(svg.size(), 60000U);
}

TEST(BarChartTest, OneDistributionOverAnother) {
  BarChart chart;
  chart.title = "Ratings";
  chart.x.label = "rating";
  chart.y.label = "share (%)";
  chart.distributions = {{"ratings", {{0.5, 1.5, 20}, {1.5, 2.5, 80}}},
                         {"k=8", {{0.5, 1.5, 50}, {1.5, 2.5, 50}}}};
  const std::string svg = draw(chart);
  expect_svg(svg);
  EXPECT_TRUE(contains(svg, ">ratings<"));
  EXPECT_TRUE(contains(svg, ">k=8<"));
  chart.distributions.clear();
  expect_svg(draw(chart));
}

TEST(ScatterChartTest, GroupsAreNamedAndManyPointsAreThinnedOut) {
  ScatterChart chart;
  chart.title = "Clusters";
  chart.x.label = "PC1";
  chart.y.label = "PC2";
  chart.points_are = "books";
  for (int i = 0; i < 50000; ++i) {
    chart.xs.push_back(std::sin(i));
    chart.ys.push_back(std::cos(i * 0.7));
    chart.groups.push_back(i % 3);
  }
  chart.group_names = {"zero", "one", "two"};
  const std::string svg = draw(chart);
  expect_svg(svg);
  for (const char* name : {">zero<", ">one<", ">two<"}) EXPECT_TRUE(contains(svg, name)) << name;
  EXPECT_TRUE(contains(svg, "4,000 of 50,000 books"));
  EXPECT_LT(svg.size(), 120000U);
  chart.groups[7] = 3;
  EXPECT_THROW(draw(chart), std::invalid_argument);
  chart.groups.pop_back();
  EXPECT_THROW(draw(chart), std::invalid_argument);
}

}  // namespace
}  // namespace hourglass
