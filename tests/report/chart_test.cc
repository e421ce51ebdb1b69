#include "hourglass/report/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
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

/// The data of the first path of a class.
std::string path_of(const std::string& svg, const std::string& css_class) {
  const std::size_t element = svg.find("<path class=\"" + css_class);
  if (element == svg.npos) return "";
  const std::size_t data = svg.find(" d=\"", element) + 4;
  return svg.substr(data, svg.find('"', data) - data);
}

TEST(LineChartTest, PointsAreInProportion) {
  LineChart chart = losses();
  chart.levels.clear();
  chart.lines = {{"a", {1, 2, 3, 4}, {4, 3, 1, 0}, false, {}}};
  double x[4], y[4];
  const std::string line = path_of(draw(chart), "hg-line hg-s0");
  ASSERT_EQ(std::sscanf(line.c_str(), "M%lf %lfL%lf %lfL%lf %lfL%lf %lf", &x[0], &y[0], &x[1],
                        &y[1], &x[2], &y[2], &x[3], &y[3]),
            8)
      << line;
  EXPECT_NEAR(x[1] - x[0], x[3] - x[2], 0.11) << "a tenth of a pixel is a coordinate's last digit";
  EXPECT_NEAR(y[1] - y[0], (y[3] - y[0]) / 4, 0.11);
  EXPECT_NEAR(y[2] - y[1], (y[3] - y[0]) / 2, 0.11);
}

TEST(LineChartTest, ValuesThatAreNoNumbersInterruptTheLine) {
  LineChart chart = losses();
  const double nan = std::nan("");
  chart.lines = {{"a", {1, 2, 3, 4, 5, 6}, {1, 2, nan, 3, nan, 4}, false, {}}};
  const std::string svg = draw(chart);
  const std::string line = path_of(svg, "hg-line hg-s0");
  EXPECT_EQ(count(line, "M"), 3U) << line;
  EXPECT_TRUE(line.ends_with("h0")) << "a point alone is a dot: " << line;
  EXPECT_TRUE(contains(svg, "2 values are not drawn: not finite."));
}

TEST(LineChartTest, ALogarithmicAxisSaysSo) {
  LineChart chart = losses();
  EXPECT_FALSE(contains(draw(chart), "log scale"));
  chart.y.scale = Scale::kLog;
  EXPECT_TRUE(contains(draw(chart), ">loss (mean square), log scale<"));
}

// However many there are, and however long their names: below the title, above the plot.
TEST(BarChartTest, TheLegendStaysOnThePicture) {
  BarChart chart;
  chart.title = "Ratings";
  chart.y.label = "share (%)";
  for (int i = 0; i < 9; ++i) {
    chart.distributions.push_back({std::string(static_cast<std::size_t>(5 * i + 1), 'W'),
                                   {{0, 1, 5.0 * i}}});
  }
  expect_svg(draw(chart));
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
