#pragma once

#include <string>

#include "hourglass/report/chart.h"
#include "report/ruler.h"
#include "report/svg.h"

namespace hourglass {

/// What stands round the data of every chart: title, axes, grid, caption.
class Frame {
 public:
  struct Side {
    Axis axis;
    Extent extent;
    Ends ends = Ends::kAtTicks;
  };

  /// On a phone a chart shrinks to some 350 pixels: a wider one would be too small to read there.
  static constexpr double kWidth = 480;
  static constexpr double kMargin = 12;
  static constexpr double kPlotHeight = 230;

  /// Room beside and above the plot for what the chart itself puts there, and the plot's height.
  struct Room {
    double right = 16;
    double legend = 0;  ///< below the title
    double plot = kPlotHeight;
  };

  /// Draws all but the caption.
  Frame(const std::string& title, const Side& x, const Side& y, const Room& room);

  const Ruler& x() const { return x_; }
  const Ruler& y() const { return y_; }
  Svg& svg() { return svg_; }
  double legend_top() const { return legend_top_; }
  bool empty() const { return empty_; }

  /// The document, with the caption below the plot.
  std::string finish(const std::string& caption);

 private:
  static double title_bottom(const std::string& title);
  static double left_margin(const Ruler& y);
  void draw_axes(const Axis& x, const Axis& y);

  std::string title_;
  bool empty_;
  double legend_top_;
  Ruler y_, x_;
  Svg svg_;
};

}  // namespace hourglass
