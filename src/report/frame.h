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
  static constexpr double kPlotHeight = 230;

  /// Draws all but the caption. `right_margin`: for names at the right of the plot.
  Frame(const std::string& title, const Side& x, const Side& y, double right_margin = 16,
        double plot_height = kPlotHeight);

  const Ruler& x() const { return x_; }
  const Ruler& y() const { return y_; }
  Svg& svg() { return svg_; }
  bool empty() const { return empty_; }

  /// The document, with the caption below the plot.
  std::string finish(const std::string& caption);

 private:
  static double plot_top(const std::string& title);
  static double left_margin(const Ruler& y);
  void draw_axes(const std::string& x_label, const std::string& y_label);

  std::string title_;
  bool empty_;
  Ruler y_, x_;
  Svg svg_;
};

}  // namespace hourglass
