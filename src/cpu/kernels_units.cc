#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels_units.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "cpu/kernels.h"
#include "cpu/live_units-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

std::int64_t float_lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

void find_live(const Matrix<const float>& rows, std::int64_t n_rows, std::int64_t width,
               LiveUnits& live) {
  live.reserve(width, float_lanes());
  live.set(find_live_units(rows, 0, n_rows, width, live.ids()), width);
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
HWY_EXPORT(find_live);
HWY_EXPORT(pack_rows);

std::int64_t float_lanes() { return HWY_DYNAMIC_DISPATCH(float_lanes)(); }
void find_live(const Matrix<const float>& rows, std::int64_t n_rows, std::int64_t width,
               LiveUnits& live) {
  HWY_DYNAMIC_DISPATCH(find_live)(rows, n_rows, width, live);
}
void pack_rows(const LiveUnits& live, const Matrix<const float>& rows, std::int64_t begin,
               std::int64_t end, float* packed, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(pack_rows)(live, rows, begin, end, packed, stride);
}

}  // namespace hourglass::cpu
#endif  // HWY_ONCE
