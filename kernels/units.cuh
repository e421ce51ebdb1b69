#pragma once

#include <cstdint>

namespace hourglass::cuda {

/// How the kernels of the output layer cut a row of `width` units: into quads, and, where one unit
/// is left over, that one alone. It mostly is: a hidden width is a multiple of four, and the bias
/// comes on top. A fifth quad for it would cost as much as four units do.
struct Units {
  int width = 0;
  int quads = 0;      ///< the last may reach into the row's padding
  bool lone = false;  ///< whether unit width - 1 is in no quad

  constexpr explicit Units(std::int64_t units)
      : width(static_cast<int>(units)), quads(width / 4 + (width % 4 > 1)), lone(width % 4 == 1) {}

  /// Units that are in quads, without padding.
  constexpr int in_quads() const { return lone ? width - 1 : width; }
  /// Floats from row to row in shared memory. One quad more than a multiple of four units: the lone
  /// unit's, and a shift of the banks from row to row.
  constexpr int stride() const { return 4 * quads + 4; }
};

}  // namespace hourglass::cuda
