#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "hourglass/report/chart.h"
#include "report/frame.h"

namespace hourglass {
namespace {

constexpr double kSwatch = 20, kNameHeight = 17, kWidestName = 165;

struct Place {
  double x, y;
};

// What a name at the right end belongs to, and where it should stand.
struct Name {
  std::string text;
  std::string classes;  // of its swatch
  double y;
};

class LineDrawing {
 public:
  explicit LineDrawing(const LineChart& chart);
  std::string finish();

 private:
  Frame::Side x_side() const;
  Frame::Side y_side() const;
  double right_margin() const;
  double plot_height() const;
  bool has_place(const Line& line, std::size_t i) const;
  void draw_line(const Line& line, const std::string& classes);
  void draw_markers(const Line& line, const std::string& classes);
  void draw_level(const Level& level);
  void draw_names();
  std::string caption() const;

  const LineChart& chart_;
  Frame frame_;
  std::vector<Name> names_;
  std::int64_t n_left_out_ = 0;
};

// A part of a line without a gap, as the data of a path. Within a pixel column only the first, the
// least, the greatest and the last point show.
class Piece {
 public:
  void add(Place at) {
    const double column = std::floor(at.x);
    if (!open_ || column != column_) {
      flush();
      column_ = column;
      first_ = least_ = greatest_ = at;
      open_ = true;
    }
    if (at.y < least_.y) least_ = at;
    if (at.y > greatest_.y) greatest_ = at;
    last_ = at;
  }

  std::string data() {
    flush();
    // A zero-length line with round caps is a dot: else a lone point would not show.
    return n_points_ == 1 ? data_ + "h0" : data_;
  }

 private:
  void flush() {
    if (!open_) return;
    open_ = false;
    append(first_);
    const bool rises = least_.x <= greatest_.x;
    append(rises ? least_ : greatest_);
    append(rises ? greatest_ : least_);
    append(last_);
  }
  void append(Place at) {
    const std::string text = fmt::format("{:.1f} {:.1f}", at.x, at.y);
    if (text == previous_) return;
    data_ += (n_points_++ == 0 ? 'M' : 'L') + text;
    previous_ = text;
  }

  std::string data_, previous_;
  std::int64_t n_points_ = 0;
  bool open_ = false;
  double column_ = 0;
  Place first_{}, least_{}, greatest_{}, last_{};
};

LineDrawing::LineDrawing(const LineChart& chart)
    : chart_(chart),
      frame_(chart.title, x_side(), y_side(),
             {.right = right_margin(), .legend = 0, .plot = plot_height()}) {
  for (const Level& level : chart.levels) draw_level(level);
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    draw_line(chart.lines[i], series_classes(i));
    draw_markers(chart.lines[i], series_classes(i));
  }
  draw_names();
}

bool LineDrawing::has_place(const Line& line, std::size_t i) const {
  return hourglass::has_place(line.x[i], chart_.x.scale) &&
         hourglass::has_place(line.y[i], chart_.y.scale);
}

Frame::Side LineDrawing::x_side() const {
  Frame::Side side{chart_.x, {}, Ends::kExact};
  for (const Line& line : chart_.lines) {
    if (line.x.size() != line.y.size()) {
      throw std::invalid_argument("LineChart: a line's x and y differ in length");
    }
    if (line.markers) side.ends = Ends::kPadded;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (has_place(line, i)) side.extent.add(line.x[i], chart_.x.scale);
    }
  }
  return side;
}

Frame::Side LineDrawing::y_side() const {
  Frame::Side side{chart_.y, {}, Ends::kAtTicks};
  for (const Line& line : chart_.lines) {
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (has_place(line, i)) side.extent.add(line.y[i], chart_.y.scale);
    }
  }
  for (const Level& level : chart_.levels) side.extent.add(level.y, chart_.y.scale);
  return side;
}

double LineDrawing::right_margin() const {
  double widest = -1;
  for (const Line& line : chart_.lines) {
    if (!line.name.empty()) widest = std::max(widest, text_width(line.name));
  }
  for (const Level& level : chart_.levels) widest = std::max(widest, text_width(level.name));
  return widest < 0 ? 20 : std::min(widest, kWidestName) + kSwatch + 26;
}

// Names stand below each other: many make the chart taller.
double LineDrawing::plot_height() const {
  const auto n = static_cast<double>(chart_.lines.size() + chart_.levels.size());
  return std::max(Frame::kPlotHeight, n * kNameHeight);
}

void LineDrawing::draw_line(const Line& line, const std::string& classes) {
  std::string data;
  Piece piece;
  double end = frame_.y().begin();
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    if (!has_place(line, i)) {
      ++n_left_out_;
      data += piece.data();
      piece = {};
      continue;
    }
    end = frame_.y().place(line.y[i]);
    piece.add({frame_.x().place(line.x[i]), end});
  }
  data += piece.data();
  if (data.empty()) return;
  frame_.svg().add(fmt::format("<path class=\"hg-line {}\" d=\"{}\"/>\n", classes, data));
  if (!line.name.empty()) names_.push_back({line.name, "hg-line " + classes, end});
}

void LineDrawing::draw_markers(const Line& line, const std::string& classes) {
  const auto at = [&](std::size_t i) {
    return Place{frame_.x().place(line.x[i]), frame_.y().place(line.y[i])};
  };
  if (line.markers) {
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (!has_place(line, i)) continue;
      const std::string told = fmt::format("{}{}{:.6g}: {:.6g}", line.name,
                                           line.name.empty() ? "" : ", ", line.x[i], line.y[i]);
      // Of the solid kind: dashes would break the dot's outline.
      frame_.svg().add(
          fmt::format("<circle class=\"hg-ring {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\">"
                      "<title>{}</title></circle>\n",
                      classes.substr(0, classes.find(' ')), at(i).x, at(i).y, escaped(told)));
    }
  }
  if (line.ringed && *line.ringed < line.x.size() && has_place(line, *line.ringed)) {
    const Place ring = at(*line.ringed);
    frame_.svg().add(
        fmt::format("<circle class=\"hg-ring {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>\n",
                    classes.substr(0, classes.find(' ')), ring.x, ring.y));
  }
}

void LineDrawing::draw_level(const Level& level) {
  if (!hourglass::has_place(level.y, chart_.y.scale)) {
    ++n_left_out_;
    return;
  }
  const std::string classes = fmt::format("hg-level hg-d{}", 1 + names_.size() % 6);
  const double y = frame_.y().place(level.y);
  frame_.svg().add(fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", classes,
                               frame_.x().begin(), y, frame_.x().end()));
  names_.push_back({level.name, classes, y});
}

// Each name stands as near to its line's end as the others let it: from the top down, then pushed
// up from the bottom of the plot.
void LineDrawing::draw_names() {
  std::ranges::stable_sort(names_, {}, &Name::y);
  double free_from = frame_.y().end();
  for (Name& name : names_) {
    name.y = std::max(name.y, free_from);
    free_from = name.y + kNameHeight;
  }
  double free_to = frame_.y().begin();
  for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
    name->y = std::min(name->y, free_to);
    free_to = name->y - kNameHeight;
  }
  const double left = frame_.x().end() + 10;
  for (const Name& name : names_) {
    frame_.svg().add(fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}h{:.0f}\"/>\n", name.classes,
                                 left, name.y, kSwatch));
    frame_.svg().text(left + kSwatch + 6, name.y + 4, shortened(name.text, kWidestName));
  }
}

std::string LineDrawing::caption() const {
  if (n_left_out_ == 0) return chart_.caption;
  const bool log = chart_.x.scale == Scale::kLog || chart_.y.scale == Scale::kLog;
  return fmt::format("{}{}{} {} not drawn: not finite{}.", chart_.caption,
                     chart_.caption.empty() ? "" : " ", grouped(n_left_out_),
                     n_left_out_ == 1 ? "value is" : "values are", log ? ", or not positive" : "");
}

std::string LineDrawing::finish() { return frame_.finish(caption()); }

}  // namespace

std::string draw(const LineChart& chart) { return LineDrawing(chart).finish(); }

}  // namespace hourglass
