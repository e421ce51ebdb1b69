#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_units.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <cstring>

#include "cpu/kernels.h"
#include "cpu/live_units-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

std::int64_t float_lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

void mark_live(const Matrix<const float>& rows, std::int64_t n_rows, std::int64_t width,
               std::uint8_t* live) {
  const FloatTag d;
  const std::int64_t lanes = float_lanes();
  alignas(64) float any[kRowAlignment];
  for (std::int64_t c = 0; c < width; c += lanes) {
    FloatVec bits = hn::Zero(d);
    for (std::int64_t b = 0; b < n_rows; ++b) {
      bits = hn::Or(bits, hn::LoadU(d, rows.row(b) + c));
    }
    hn::StoreU(hn::Abs(bits), d, any);  // without the sign: -0 is zero too
    for (std::int64_t i = 0; i < lanes && c + i < width; ++i) {
      std::uint32_t pattern;
      std::memcpy(&pattern, &any[i], sizeof(pattern));  // a denormal is not zero, whatever the mode
      live[c + i] = pattern != 0 ? 1 : 0;
    }
  }
}

void pack_rows(const LiveUnits& live, const Matrix<const float>& rows, std::int64_t begin,
               std::int64_t end, float* packed, std::int64_t stride) {
  for (std::int64_t r = begin; r < end; ++r) {
    pack_row(live, rows.row(r), packed + (r - begin) * stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hourglass::cpu {

HWY_EXPORT(float_lanes);
HWY_EXPORT(mark_live);
HWY_EXPORT(pack_rows);

std::int64_t float_lanes() { return HWY_DYNAMIC_DISPATCH(float_lanes)(); }
void mark_live(const Matrix<const float>& rows, std::int64_t n_rows, std::int64_t width,
               std::uint8_t* live) {
  HWY_DYNAMIC_DISPATCH(mark_live)(rows, n_rows, width, live);
}
void pack_rows(const LiveUnits& live, const Matrix<const float>& rows, std::int64_t begin,
               std::int64_t end, float* packed, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(pack_rows)(live, rows, begin, end, packed, stride);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
