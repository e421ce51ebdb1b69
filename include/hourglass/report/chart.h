#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Charts as SVG. Each function returns one standalone, well-formed document that may as well stand
// inside an HTML page: it has no ids, and its colours follow the reader's light or dark scheme and
// become black on white in print. The same chart gives the same bytes. Texts may be any bytes: they
// are escaped, and what is no UTF-8 or not allowed in XML becomes U+FFFD.
namespace hourglass {

enum class Scale { kLinear, kLog };

/// An axis says what it measures, with its unit.
struct Axis {
  std::string label;
  Scale scale = Scale::kLinear;
  /// Where to put ticks; empty: at multiples of 1, 2 or 5 times a power of ten, and at the decades
  /// of a logarithmic axis.
  std::vector<double> ticks = {};
};

/// One line, named at its right end. Points that are not finite, or not positive on a logarithmic
/// axis, interrupt it, and the chart says how many there are.
struct Line {
  std::string name;
  std::vector<double> x, y;                ///< [n] each; x ascending
  bool markers = false;                    ///< a dot a point; for few points
  std::optional<std::size_t> ringed = {};  ///< this point has a ring round it
};

/// A horizontal line across the chart: what the others are compared with.
struct Level {
  std::string name;
  double y = 0;
};

struct LineChart {
  std::string title;
  std::string caption = {};  ///< below the chart; may be empty
  Axis x, y;
  std::vector<Line> lines;
  std::vector<Level> levels = {};
};

/// Thousands of points a line are drawn as the first, least, greatest and last of each pixel column
/// (M4, Jugel et al. 2014), which is the same picture. Throws std::invalid_argument where a line's
/// x and y differ in length.
std::string draw(const LineChart& chart);

/// One distribution: shares of its values in intervals.
struct Bars {
  struct Bar {
    double from = 0, to = 0;  ///< [from, to)
    double share = 0;         ///< of all values, in percent
  };
  std::string name;
  std::vector<Bar> bars;  ///< ascending
};

/// The first distribution is drawn as filled bars, others over it as outlines.
struct BarChart {
  std::string title;
  std::string caption = {};
  Axis x, y;
  std::vector<Bars> distributions;
};

std::string draw(const BarChart& chart);

/// Points in groups; each group is named at its mean.
struct ScatterChart {
  std::string title;
  std::string caption = {};
  Axis x, y;
  std::vector<double> xs, ys;        ///< [n] each
  std::vector<std::int32_t> groups;  ///< [n]: index into group_names; empty: one group, unnamed
  std::vector<std::string> group_names = {};
  std::string points_are = "points";  ///< what a point is, in the plural: "users"
};

/// Of more than 4,000 points that many are drawn, evenly spaced in their order; the chart says so.
/// Throws std::invalid_argument for lengths that differ or a group without a name.
std::string draw(const ScatterChart& chart);

}  // namespace hourglass
