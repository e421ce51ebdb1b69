#include "cpu/live_units.h"

#include <algorithm>
#include <numeric>

namespace hourglass::cpu {

void LiveUnits::reserve(std::int64_t width, std::int64_t lanes) {
  lanes_ = lanes;
  const auto units = static_cast<std::size_t>(padded(width));
  if (units <= ids_.size()) return;
  // ids_ last: its size says that all of them have the room.
  for (auto* v : {&packed_begin_, &pack_lanes_, &unpack_lanes_, &masks_, &ids_}) v->resize(units);
}

void LiveUnits::set_all(std::int64_t width) {
  std::iota(ids_.begin(), ids_.begin() + width, 0);
  set(width, width);
}

void LiveUnits::set(std::int64_t count, std::int64_t width) {
  width_ = width;
  count_ = count;
  std::int64_t next = 0;
  for (std::int64_t first = 0; first < width; first += lanes_) {
    const std::int64_t i = first / lanes_;
    packed_begin_[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(next);
    std::int32_t* pack = &pack_lanes_[at(i)];
    std::int32_t* unpack = &unpack_lanes_[at(i)];
    std::int32_t* mask = &masks_[at(i)];
    std::fill_n(pack, lanes_, 0);
    std::fill_n(unpack, lanes_, 0);
    std::fill_n(mask, lanes_, 0);
    std::int32_t n = 0;
    for (; next < count && ids_[static_cast<std::size_t>(next)] < first + lanes_; ++next, ++n) {
      const auto lane = static_cast<std::int32_t>(ids_[static_cast<std::size_t>(next)] - first);
      pack[n] = lane;
      unpack[lane] = n;
      mask[lane] = -1;
    }
  }
}

}  // namespace hourglass::cpu
