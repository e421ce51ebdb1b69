#pragma once

#include <limits>
#include <string>
#include <vector>

#include "hourglass/report/chart.h"

namespace hourglass {

/// Whether an axis of this scale has a place for the value: finite (and short of the end of
/// double's range, where differences overflow), and on a logarithmic axis positive.
bool has_place(double value, Scale scale);

/// The least and the greatest of the values that have a place.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value, Scale scale);
  bool empty() const { return low > high; }
};

struct Tick {
  double value = 0;
  std::string label;
};

/// How far an axis reaches beyond its values.
enum class Ends {
  kExact,    ///< not at all
  kPadded,   ///< by a twentieth, so that a marker is not cut
  kAtTicks,  ///< to the next ticks; to 0 where that is near. Logarithmic: padded
};

/// An axis: what it covers, where a value lies on it, where its ticks are.
class Ruler {
 public:
  /// From pixel `begin` (of the least value) to pixel `end`. An empty extent becomes 0 to 1, a
  /// single value gets room on both sides.
  Ruler(const Axis& axis, Extent extent, Ends ends, double begin, double end);

  double place(double value) const;
  double begin() const { return begin_; }
  double end() const { return end_; }
  double low() const { return low_; }
  double high() const { return high_; }
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  void place_linear_ticks(Ends ends);
  void place_log_ticks();
  double on_scale(double value) const;  ///< value or its logarithm

  Scale scale_;
  double begin_, end_;
  double low_ = 0, high_ = 1;
  std::vector<Tick> ticks_;
};

}  // namespace hourglass
