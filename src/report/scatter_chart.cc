#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>

#include "hourglass/report/chart.h"
#include "report/frame.h"

namespace hourglass {
namespace {

constexpr std::size_t kMostPoints = 4000;  // 40 kB; more would only hide each other

// A group of the points that are drawn, and its mean over all of its points.
struct Group {
  std::string data;  // of a path: a zero-length line a point, whose round caps make a dot
  double sum_x = 0, sum_y = 0;
  std::size_t n = 0;
};

void require_valid(const ScatterChart& chart) {
  const std::size_t n = chart.xs.size();
  if (chart.ys.size() != n || (!chart.groups.empty() && chart.groups.size() != n)) {
    throw std::invalid_argument("ScatterChart: xs, ys and groups differ in length");
  }
  for (const std::int32_t group : chart.groups) {
    if (group < 0 || static_cast<std::size_t>(group) >= chart.group_names.size()) {
      throw std::invalid_argument("ScatterChart: a point's group has no name");
    }
  }
}

std::vector<Group> grouped_points(const ScatterChart& chart, const Frame& frame,
                                  const std::vector<std::size_t>& placed) {
  std::vector<Group> groups(chart.groups.empty() ? 1 : chart.group_names.size());
  const std::size_t n_drawn = std::min(placed.size(), kMostPoints);
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const std::size_t point = placed[i];
    Group& group = groups[chart.groups.empty() ? 0 : static_cast<std::size_t>(chart.groups[point])];
    const double x = chart.xs[point], y = chart.ys[point];
    ++group.n;
    group.sum_x += x;
    group.sum_y += y;
    if (i != drawn * placed.size() / n_drawn) continue;
    ++drawn;
    group.data += fmt::format("M{:.1f} {:.1f}h0", frame.x().place(x), frame.y().place(y));
  }
  return groups;
}

}  // namespace

std::string draw(const ScatterChart& chart) {
  require_valid(chart);
  Frame::Side x{chart.x, {}, Ends::kPadded}, y{chart.y, {}, Ends::kPadded};
  std::vector<std::size_t> placed;
  for (std::size_t i = 0; i < chart.xs.size(); ++i) {
    if (!has_place(chart.xs[i], chart.x.scale) || !has_place(chart.ys[i], chart.y.scale)) continue;
    placed.push_back(i);
    x.extent.add(chart.xs[i], chart.x.scale);
    y.extent.add(chart.ys[i], chart.y.scale);
  }
  Frame frame(chart.title, x, y,
              {.right = 16, .legend = 0, .plot = 300});  // taller: both axes measure alike
  const std::vector<Group> groups = grouped_points(chart, frame, placed);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].data.empty()) continue;
    frame.svg().add(
        fmt::format("<path class=\"hg-points hg-s{}\" d=\"{}\"/>\n", i % kStyles, groups[i].data));
  }
  for (std::size_t i = 0; i < chart.group_names.size() && !chart.groups.empty(); ++i) {
    if (groups[i].n == 0) continue;
    const auto n = static_cast<double>(groups[i].n);
    frame.svg().text(frame.x().place(groups[i].sum_x / n), frame.y().place(groups[i].sum_y / n) + 5,
                     chart.group_names[i], Svg::Anchor::kMiddle, "hg-name");
  }
  std::string caption = chart.caption;
  const auto add = [&](const std::string& sentence) {
    if (!caption.empty()) caption += ' ';
    caption += sentence;
  };
  const auto count = [](std::size_t n) { return grouped(static_cast<std::int64_t>(n)); };
  if (placed.size() > kMostPoints) {
    add(fmt::format("{} of {} {} are shown, evenly spaced in their order.", count(kMostPoints),
                    count(placed.size()), chart.points_are));
  }
  if (const std::size_t n = chart.xs.size() - placed.size(); n > 0) {
    add(fmt::format("{} of {} {} are not finite and not shown.", count(n), count(chart.xs.size()),
                    chart.points_are));
  }
  return frame.finish(caption);
}

}  // namespace hourglass
