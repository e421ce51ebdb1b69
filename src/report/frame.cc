#include "report/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace hourglass {
namespace {

constexpr double kTitleScale = 1.22;  // its font is larger, and semi-bold
constexpr double kTitleLine = 19, kLabelHeight = 36, kCaptionLine = 16;

// Breaks a text at spaces into lines of at most `width` pixels; a longer word stands alone.
std::vector<std::string> wrapped(std::string_view text, double width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!lines.empty() && text_width(lines.back()) + 4 + text_width(word) <= width) {
      lines.back().append(1, ' ').append(word);
    } else {
      lines.push_back(shortened(word, width));
    }
  }
  return lines;
}

std::vector<std::string> title_lines(const std::string& title) {
  return wrapped(title, (Frame::kWidth - 2 * Frame::kMargin) / kTitleScale);
}

std::string label_of(const Axis& axis) {
  return axis.scale == Scale::kLog ? axis.label + ", log scale" : axis.label;
}

}  // namespace

double Frame::title_bottom(const std::string& title) {
  return 8 + kTitleLine * static_cast<double>(title_lines(title).size());
}

double Frame::left_margin(const Ruler& y) {
  double widest = 0;
  for (const Tick& tick : y.ticks()) widest = std::max(widest, text_width(tick.label));
  return kMargin + widest + 10;
}

Frame::Frame(const std::string& title, const Side& x, const Side& y, const Room& room)
    : title_(title),
      empty_(x.extent.empty() || y.extent.empty()),
      legend_top_(title_bottom(title)),
      y_(y.axis, y.extent, y.ends, legend_top_ + room.legend + kLabelHeight + room.plot,
         legend_top_ + room.legend + kLabelHeight),
      x_(x.axis, x.extent, x.ends, left_margin(y_), kWidth - room.right) {
  double top = 8;
  for (const std::string& line : title_lines(title)) {
    svg_.text(kMargin, top += kTitleLine, line, Svg::Anchor::kStart, "hg-title");
  }
  draw_axes(x.axis, y.axis);
}

void Frame::draw_axes(const Axis& x_axis, const Axis& y_axis) {
  const double left = x_.begin(), right = x_.end(), bottom = y_.begin(), top = y_.end();
  svg_.text(kMargin, top - 15, label_of(y_axis), Svg::Anchor::kStart, "hg-soft");
  std::string grid;
  for (const Tick& tick : y_.ticks()) {
    const double y = y_.place(tick.value);
    grid += fmt::format("M{:.1f} {:.1f}H{:.1f}", left, y, right);
    svg_.text(left - 7, y + 4, tick.label, Svg::Anchor::kEnd, "hg-soft");
  }
  if (!grid.empty()) svg_.add(fmt::format("<path class=\"hg-grid\" d=\"{}\"/>\n", grid));
  std::string axis = fmt::format("M{:.1f} {:.1f}H{:.1f}", left, bottom, right);
  double free_from = 0;  // where the next label may begin
  for (const Tick& tick : x_.ticks()) {
    const double x = x_.place(tick.value), half = text_width(tick.label) / 2;
    axis += fmt::format("M{:.1f} {:.1f}v5", x, bottom);
    if (x - half < free_from) continue;
    svg_.text(x, bottom + 19, tick.label, Svg::Anchor::kMiddle, "hg-soft");
    free_from = x + half + 6;
  }
  svg_.add(fmt::format("<path class=\"hg-axis\" d=\"{}\"/>\n", axis));
  svg_.text((left + right) / 2, bottom + 38, label_of(x_axis), Svg::Anchor::kMiddle, "hg-soft");
  if (empty_) {
    svg_.text((left + right) / 2, (top + bottom) / 2, "nothing to draw", Svg::Anchor::kMiddle);
  }
}

std::string Frame::finish(const std::string& caption) {
  double y = y_.begin() + 46;
  for (const std::string& line : wrapped(caption, kWidth - 2 * kMargin)) {
    svg_.text(kMargin, y += kCaptionLine, line, Svg::Anchor::kStart, "hg-soft");
  }
  return svg_.document(title_, caption, kWidth, y + kMargin);
}

}  // namespace hourglass
