#include "cpu/live_units.h"

namespace hourglass::cpu {

void LiveUnits::reserve(std::int64_t width, std::int64_t lanes) {
  lanes_ = lanes;
  const auto units = static_cast<std::size_t>(padded(width));
  if (units <= ids_.size()) return;
  for (auto* v : {&ids_, &packed_begin_, &pack_lanes_, &unpack_lanes_, &masks_}) v->resize(units);
}

void LiveUnits::set(const std::vector<std::uint8_t>& live, std::int64_t width) {
  width_ = width;
  count_ = 0;
  for (std::int64_t first = 0; first < width; first += lanes_) {
    const std::int64_t i = first / lanes_;
    packed_begin_[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(count_);
    std::int32_t* pack = &pack_lanes_[at(i)];
    std::int32_t* unpack = &unpack_lanes_[at(i)];
    std::int32_t* mask = &masks_[at(i)];
    std::int32_t n = 0;
    for (std::int32_t lane = 0; lane < lanes_; ++lane) {
      const std::int64_t unit = first + lane;
      const bool alive = unit < width && live[static_cast<std::size_t>(unit)] != 0;
      pack[lane] = 0;
      unpack[lane] = alive ? n : 0;
      mask[lane] = alive ? -1 : 0;
      if (!alive) continue;
      pack[n++] = lane;
      ids_[static_cast<std::size_t>(count_++)] = static_cast<std::int32_t>(unit);
    }
  }
}

}  // namespace hourglass::cpu
