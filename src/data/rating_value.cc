#include "data/rating_value.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "data/csv_fields.h"

namespace hourglass {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Unlike Python and pandas, from_chars takes no plus sign.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

bool parse_double(std::string_view text, double& value) {
  const auto [end, fault] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Exactly halfway between two floats (of normal size): the low 29 bits of the fraction.
bool is_float_tie(double value) {
  return (std::bit_cast<std::uint64_t>(value) & 0x1FFFFFFFu) == 0x10000000u;
}

std::string fault_of(std::string_view text, bool is_number, double value) {
  if (is_number && (std::isnan(value) || text.find_first_of("iI") != std::string_view::npos)) {
    return shown(text) + " is no rating; a rating is a finite number";
  }
  if (is_number) return shown(text) + " is too large for a rating (at most 3.4e38)";
  const bool decimal_comma = text.find(',') != std::string_view::npos;
  return shown(text) + " is no number" + (decimal_comma ? "; write decimals with a point" : "");
}

}  // namespace

bool parse_rating(std::string_view text, double& value, std::string& why) {
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '9') {  // as most ratings are
    value = text[0] - '0';
    return true;
  }
  const std::string_view number = without_plus(trimmed(text));
  const bool is_number = parse_double(number, value);
  const auto rounded = static_cast<float>(value);
  if (!is_number || !std::isfinite(rounded)) {
    why = fault_of(text, is_number, value);
    return false;
  }
  // Rounding twice, to double and then to float, goes wrong only where the first step lands on a
  // tie that the text itself is not on; one ulp towards the right float breaks the tie.
  if (is_float_tie(value)) {
    float nearest = rounded;
    fast_float::from_chars(number.data(), number.data() + number.size(), nearest);
    if (nearest != rounded) value = std::nextafter(value, static_cast<double>(nearest));
  }
  return true;
}

bool looks_like_number(std::string_view text) {
  double value = 0;
  return parse_double(without_plus(trimmed(text)), value);
}

}  // namespace hourglass
