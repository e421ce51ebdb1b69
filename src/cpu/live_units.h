#pragma once

#include <cstdint>
#include <vector>

#include "hourglass/core/ptr.h"

namespace hourglass::cpu {

/// The units of a layer that a batch has woken: those that are not zero in every row. ReLU leaves a
/// third to a half of them at zero for a whole batch, and what is zero adds nothing to a sum: a
/// product of the live units alone has the same bits, in a fraction of the time. Their columns are
/// packed side by side, in their order, for products, and unpacked behind them.
///
/// Sizes are of one instruction set: `lanes` floats are a vector of it.
class LiveUnits {
 public:
  /// Room for `width` units; allocates when there was less.
  void reserve(std::int64_t width, std::int64_t lanes);

  /// Of `width` units, at most those reserved, the first `count` of ids() are live.
  void set(std::int64_t count, std::int64_t width);
  /// All are.
  void set_all(std::int64_t width);

  std::int64_t width() const { return width_; }            ///< of all units
  std::int64_t count() const { return count_; }            ///< of the live ones
  const std::int32_t* ids() const { return ids_.data(); }  ///< [count()] ascending
  std::int32_t* ids() { return ids_.data(); }  ///< [width reserved] to fill before set()
  /// Floats of a packed row: packing writes whole vectors, so that one more is touched.
  std::int64_t packed_stride() const { return padded(count_) + kRowAlignment; }
  std::int64_t max_packed_stride() const { return padded(width_) + kRowAlignment; }

  /// Of the i-th vector of all units: where its live ones begin among the packed.
  const std::int32_t* packed_begin() const { return packed_begin_.data(); }
  /// [lanes] of the i-th vector: lane n is where its nth live unit is.
  const std::int32_t* pack_lanes(std::int64_t i) const { return &pack_lanes_[at(i)]; }
  /// [lanes] of the i-th vector: where a live unit is behind packed_begin()[i]...
  const std::int32_t* unpack_lanes(std::int64_t i) const { return &unpack_lanes_[at(i)]; }
  /// ... and all ones where a unit is live, zero where not.
  const std::int32_t* masks(std::int64_t i) const { return &masks_[at(i)]; }

 private:
  std::size_t at(std::int64_t vector) const { return static_cast<std::size_t>(vector * lanes_); }

  std::int64_t width_ = 0, count_ = 0, lanes_ = 1;
  std::vector<std::int32_t> ids_, packed_begin_, pack_lanes_, unpack_lanes_, masks_;
};

}  // namespace hourglass::cpu
