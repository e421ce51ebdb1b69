#pragma once

#include <initializer_list>
#include <string_view>

#include "hourglass/data/ratings.h"

namespace hourglass::test {

inline IdList ids_of(std::initializer_list<std::string_view> texts) {
  IdList ids;
  for (const std::string_view text : texts) ids.add(text);
  return ids;
}

}  // namespace hourglass::test
