#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "hourglass/report/chart.h"
#include "report/frame.h"

namespace hourglass {
namespace {

bool has_place(const Bars::Bar& bar) {
  return hourglass::has_place(bar.from, Scale::kLinear) &&
         hourglass::has_place(bar.to, Scale::kLinear) &&
         hourglass::has_place(bar.share, Scale::kLinear);
}

constexpr double kLegendLine = 18, kSwatch = 24;

// Where a name of the legend goes: in rows from the left, below the title.
struct LegendPlace {
  std::string name;
  double x = 0, y = 0;  // y: from the top of the legend to the middle of its row
};

std::vector<LegendPlace> legend_of(const BarChart& chart) {
  std::vector<LegendPlace> places;
  if (chart.distributions.size() < 2) return places;  // a single one is in the title
  double x = Frame::kMargin, y = kLegendLine / 2;
  for (const Bars& bars : chart.distributions) {
    LegendPlace place{shortened(bars.name, 180), 0, 0};
    const double width = kSwatch + text_width(place.name) + 16;
    if (x + width > Frame::kWidth && x > Frame::kMargin) {
      x = Frame::kMargin;
      y += kLegendLine;
    }
    place.x = x;
    place.y = y;
    if (!place.name.empty()) x += width;
    places.push_back(std::move(place));
  }
  return places;
}

double legend_height(const std::vector<LegendPlace>& legend) {
  double height = 0;
  for (const LegendPlace& place : legend) {
    if (!place.name.empty()) height = place.y + kLegendLine / 2;
  }
  return height;
}

Frame frame_of(const BarChart& chart, double legend) {
  Frame::Side x{chart.x, {}, Ends::kPadded}, y{chart.y, {}, Ends::kAtTicks};
  for (const Bars& bars : chart.distributions) {
    for (const Bars::Bar& bar : bars.bars) {
      if (!has_place(bar)) continue;
      x.extent.add(bar.from, Scale::kLinear);
      x.extent.add(bar.to, Scale::kLinear);
      y.extent.add(bar.share, Scale::kLinear);
    }
  }
  if (!y.extent.empty()) y.extent.add(0, Scale::kLinear);  // a bar's length is its share
  Frame::Room room;
  room.legend = legend;
  return Frame(chart.title, x, y, room);
}

void draw_filled(Frame& frame, const Bars& bars) {
  const double zero = frame.y().place(0);
  for (const Bars::Bar& bar : bars.bars) {
    if (!has_place(bar) || bar.share == 0) continue;
    const double left = frame.x().place(bar.from), right = frame.x().place(bar.to);
    const double top = frame.y().place(bar.share);
    // A gap of a pixel sets bars apart, where they are wide enough to spare it.
    const double gap = right - left > 4 ? 1 : 0;
    frame.svg().add(fmt::format(
        "<rect class=\"hg-bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">"
        "<title>{:.4g} to {:.4g}: {:.3g} %</title></rect>\n",
        left + gap / 2, std::min(top, zero), std::max(right - left - gap, 0.5),
        std::abs(zero - top), bar.from, bar.to, bar.share));
  }
}

// The outline of the bars; down to zero between two that do not touch.
void draw_outline(Frame& frame, const Bars& bars, const std::string& classes) {
  std::string data;
  double end = 0;
  const double zero = frame.y().place(0);
  for (const Bars::Bar& bar : bars.bars) {
    if (!has_place(bar)) continue;
    const double left = frame.x().place(bar.from);
    if (data.empty() || left - end > 0.05) {
      if (!data.empty()) data += fmt::format("V{:.1f}", zero);
      data += fmt::format("M{:.1f} {:.1f}", left, zero);
    }
    end = frame.x().place(bar.to);
    data += fmt::format("V{:.1f}H{:.1f}", frame.y().place(bar.share), end);
  }
  if (data.empty()) return;
  frame.svg().add(
      fmt::format("<path class=\"hg-line {}\" d=\"{}V{:.1f}\"/>\n", classes, data, zero));
}

void draw_legend(Frame& frame, const std::vector<LegendPlace>& legend) {
  for (std::size_t i = 0; i < legend.size(); ++i) {
    if (legend[i].name.empty()) continue;
    const double x = legend[i].x, y = frame.legend_top() + 7 + legend[i].y;
    frame.svg().add(i == 0 ? fmt::format("<rect class=\"hg-bar\" x=\"{:.1f}\" y=\"{:.1f}\" "
                                         "width=\"18\" height=\"10\"/>\n",
                                         x, y - 5)
                           : fmt::format("<path class=\"hg-line {}\" d=\"M{:.1f} {:.1f}h18\"/>\n",
                                         series_classes(i - 1), x, y));
    frame.svg().text(x + kSwatch, y + 4, legend[i].name);
  }
}

}  // namespace

std::string draw(const BarChart& chart) {
  const std::vector<LegendPlace> legend = legend_of(chart);
  Frame frame = frame_of(chart, legend_height(legend));
  for (std::size_t i = 0; i < chart.distributions.size(); ++i) {
    if (i == 0) {
      draw_filled(frame, chart.distributions[i]);
    } else {
      draw_outline(frame, chart.distributions[i], series_classes(i - 1));
    }
  }
  draw_legend(frame, legend);
  return frame.finish(chart.caption);
}

}  // namespace hourglass
