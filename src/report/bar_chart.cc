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

Frame frame_of(const BarChart& chart) {
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
  return Frame(chart.title, x, y);
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

// The names, in a row at the top right of the plot, above the grid; a single one is in the title.
void draw_legend(Frame& frame, const std::vector<Bars>& distributions) {
  if (distributions.size() < 2) return;
  double right = frame.x().end();
  for (std::size_t i = distributions.size(); i-- > 0;) {
    if (distributions[i].name.empty()) continue;
    const std::string name = shortened(distributions[i].name, 130);
    const double left = right - text_width(name), y = frame.y().end() - 20;
    frame.svg().text(left, y + 4, name);
    frame.svg().add(i == 0 ? fmt::format("<rect class=\"hg-bar\" x=\"{:.1f}\" y=\"{:.1f}\" "
                                         "width=\"16\" height=\"10\"/>\n",
                                         left - 22, y - 5)
                           : fmt::format("<path class=\"hg-line {}\" d=\"M{:.1f} {:.1f}h18\"/>\n",
                                         series_classes(i - 1), left - 24, y));
    right = left - 38;
  }
}

}  // namespace

std::string draw(const BarChart& chart) {
  Frame frame = frame_of(chart);
  for (std::size_t i = 0; i < chart.distributions.size(); ++i) {
    if (i == 0) {
      draw_filled(frame, chart.distributions[i]);
    } else {
      draw_outline(frame, chart.distributions[i], series_classes(i - 1));
    }
  }
  draw_legend(frame, chart.distributions);
  return frame.finish(chart.caption);
}

}  // namespace hourglass
