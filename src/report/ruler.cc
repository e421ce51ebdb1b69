#include "report/ruler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "report/svg.h"

namespace hourglass {
namespace {

constexpr double kFarthest = 1e150;  // quotients of two values stay finite
constexpr double kNearest = 1e-150;  // on a logarithmic axis
constexpr int kMostTicks = 6;

std::string power_of_ten(int exponent) {
  constexpr std::string_view kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "10⁻" : "10";
  for (const char digit : std::to_string(std::abs(exponent))) text += kDigits[digit - '0'];
  return text;
}

// 2.5×10⁻⁷ with as many digits as tell multiples of `step` apart; 10⁻⁷ for a mantissa of 1.
std::string scientific(double value, double step) {
  const double digits = std::ceil(std::log10(std::abs(value) / step) - 1e-9);
  const std::string text =
      fmt::format("{:.{}e}", value, std::clamp(static_cast<int>(digits), 0, 15));
  const std::size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (mantissa.find('.') != mantissa.npos) {
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.ends_with('.')) mantissa.pop_back();
  }
  const int exponent = std::stoi(text.substr(e + 1));
  if (mantissa.starts_with('-')) mantissa.replace(0, 1, "−");
  if (exponent == 0) return mantissa;
  return mantissa == "1" ? power_of_ten(exponent) : mantissa + "×" + power_of_ten(exponent);
}

// `value`, a multiple of `step`, with as many decimals as tell such multiples apart.
std::string label_of(double value, double step) {
  if (value == 0) return "0";
  const double magnitude = std::abs(value);
  if (magnitude >= 1e7 || step < 0.99e-4) return scientific(value, step);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  std::string text = fmt::format("{:.{}f}", magnitude, decimals);
  if (decimals == 0) text = grouped(static_cast<std::int64_t>(std::llround(magnitude)));
  return value < 0 ? "−" + text : text;
}

// The step of a number that a person typed: 12.5 has 0.1.
double own_step(double value) {
  for (const double step : {1.0, 0.1, 0.01, 0.001}) {
    const double n = std::abs(value) / step;
    if (std::abs(n - std::round(n)) < 1e-6) return step;
  }
  return 1e-4;
}

// The least of 1, 2 or 5 times a power of ten that makes at most kMostTicks steps of the span.
double nice_step(double span) {
  const double least = span / kMostTicks;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

bool has_place(double value, Scale scale) {
  if (!(std::abs(value) <= kFarthest)) return false;  // NaN too
  return scale == Scale::kLinear || value >= kNearest;
}

void Extent::add(double value, Scale scale) {
  if (!has_place(value, scale)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Ruler::Ruler(const Axis& axis, Extent extent, Ends ends, double begin, double end)
    : scale_(axis.scale), begin_(begin), end_(end) {
  const bool log = scale_ == Scale::kLog;
  if (extent.empty()) extent = log ? Extent{0.1, 10} : Extent{0, 1};
  const double largest = std::max(std::abs(extent.low), std::abs(extent.high));
  // Values that differ by rounding alone are one value: ticks between them would all read the same.
  if (extent.high - extent.low <= 1e-9 * largest || largest < kNearest) {
    const double room = largest < kNearest ? 1 : 0.1 * largest;
    extent = log ? Extent{extent.low / 2, extent.high * 2}
                 : Extent{extent.low - room, extent.high + room};
  }
  low_ = extent.low;
  high_ = extent.high;
  if (log) {
    const double room = ends == Ends::kExact ? 1 : std::pow(high_ / low_, 0.05);
    low_ /= room;
    high_ *= room;
  } else if (ends == Ends::kPadded) {
    const double room = 0.05 * (high_ - low_);
    low_ -= room;
    high_ += room;
  }
  if (!axis.ticks.empty()) {
    for (const double value : axis.ticks) {
      if (value >= low_ && value <= high_)
        ticks_.push_back({value, label_of(value, own_step(value))});
    }
  } else if (log) {
    place_log_ticks();
  } else {
    place_linear_ticks(ends);
  }
}

void Ruler::place_linear_ticks(Ends ends) {
  if (ends == Ends::kAtTicks && low_ > 0 && low_ < 0.4 * high_) low_ = 0;
  const double step = nice_step(high_ - low_);
  constexpr double kSlack = 1e-6;  // of a step: what rounding may have taken
  if (ends == Ends::kAtTicks) {
    low_ = step * std::floor(low_ / step + kSlack);
    high_ = step * std::ceil(high_ / step - kSlack);
  }
  const double first = std::ceil(low_ / step - kSlack), last = std::floor(high_ / step + kSlack);
  for (double i = first; i <= last; ++i) ticks_.push_back({i * step, label_of(i * step, step)});
}

void Ruler::place_log_ticks() {
  const int first = static_cast<int>(std::ceil(std::log10(low_) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high_) + 1e-9));
  const int decades = last - first + 1;
  if (decades >= 3) {
    const int every = (decades + kMostTicks) / (kMostTicks + 1);
    for (int i = first; i <= last; i += every) {
      const double value = std::pow(10.0, i);
      ticks_.push_back(
          {value, i >= -4 && i <= 6 ? label_of(value, std::min(1.0, value)) : power_of_ten(i)});
    }
    return;
  }
  for (int i = first - 1; i <= last; ++i) {
    for (const int factor : {1, 2, 5}) {
      const double value = factor * std::pow(10.0, i);
      if (value >= low_ && value <= high_) {
        ticks_.push_back({value, label_of(value, std::min(1.0, std::pow(10.0, i)))});
      }
    }
  }
  if (ticks_.size() >= 3) return;
  ticks_.clear();
  place_linear_ticks(Ends::kPadded);  // within a factor of 5, multiples read better
}

double Ruler::on_scale(double value) const {
  return scale_ == Scale::kLog ? std::log10(value) : value;
}

double Ruler::place(double value) const {
  const double low = on_scale(low_), high = on_scale(high_);
  return begin_ + (on_scale(value) - low) / (high - low) * (end_ - begin_);
}

}  // namespace hourglass
