#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hourglass {

/// 1234567 as "1,234,567".
inline std::string grouped(std::int64_t n) {
  std::string digits = std::to_string(n);
  const std::size_t sign = n < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > sign + 3;) digits.insert(i -= 3, ",");
  return digits;
}

}  // namespace hourglass
