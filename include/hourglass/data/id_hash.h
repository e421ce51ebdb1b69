#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hourglass {

/// A hash with a secret of this process, for tables of what strangers' files hold: no file can be
/// made to collide in it. Results must not depend on it.
struct IdHash {
  std::size_t operator()(std::string_view id) const;
  std::size_t operator()(std::uint64_t number) const;  ///< of two ids' numbers, say
};

}  // namespace hourglass
