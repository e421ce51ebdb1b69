// Packing the live units of a row and back, per target: included by kernels_*.cc under
// foreach_target.h.
#if defined(HOURGLASS_CPU_LIVE_UNITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_LIVE_UNITS_INL_H_
#undef HOURGLASS_CPU_LIVE_UNITS_INL_H_
#else
#define HOURGLASS_CPU_LIVE_UNITS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "cpu/live_units.h"
#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// The columns of rows [n_rows x width] that are not zero in every row, ascending, into ids; how
/// many.
HWY_INLINE std::int64_t find_live_units(const Matrix<const float>& rows, std::int64_t begin_row,
                                        std::int64_t end_row, std::int64_t width,
                                        std::int32_t* ids) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN std::uint32_t patterns[HWY_MAX_BYTES / sizeof(float)];
  std::int64_t n = 0;
  for (std::int64_t c = 0; c < width; c += lanes) {
    FloatVec any = hn::Zero(d);
    for (std::int64_t b = begin_row; b < end_row; ++b) {
      any = hn::Or(any, hn::LoadU(d, rows.row(b) + c));
    }
    // Of the bits: -0 is zero too, a denormal is not, whatever mode the processor is in.
    const hn::RebindToUnsigned<FloatTag> du;
    hn::StoreU(hn::BitCast(du, hn::Abs(any)), du, patterns);
    for (std::int64_t i = 0; i < std::min(lanes, width - c); ++i) {
      ids[n] = static_cast<std::int32_t>(c + i);
      n += patterns[i] != 0 ? 1 : 0;
    }
  }
  return n;
}

/// packed [live.count()] = the live units of row [live.width()]; behind them up to
/// live.packed_stride() anything may be.
HWY_INLINE void pack_row(const LiveUnits& live, const float* HWY_RESTRICT row,
                         float* HWY_RESTRICT packed) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int32_t* begin = live.packed_begin();
  count_work({.packed = (live.width() + lanes - 1) / lanes, .bytes = 8 * live.width()});
  for (std::int64_t i = 0; i * lanes < live.width(); ++i) {
    const auto order = hn::IndicesFromVec(d, hn::LoadU(di, live.pack_lanes(i)));
    hn::StoreU(hn::TableLookupLanes(hn::LoadU(d, row + i * lanes), order), d, packed + begin[i]);
  }
}

/// Which units of the i-th vector are live.
HWY_INLINE hn::Mask<FloatTag> live_mask(const LiveUnits& live, std::int64_t i) {
  const hn::RebindToSigned<FloatTag> di;
  return hn::MaskFromVec(hn::BitCast(FloatTag(), hn::LoadU(di, live.masks(i))));
}

/// The i-th vector of all units, of a packed row: zero where a unit is not live.
HWY_INLINE FloatVec unpacked(const LiveUnits& live, const float* packed, std::int64_t i) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  count_work({.packed = 1, .bytes = 4 * static_cast<std::int64_t>(hn::Lanes(d))});
  const auto order = hn::IndicesFromVec(d, hn::LoadU(di, live.unpack_lanes(i)));
  const FloatVec x = hn::LoadU(d, packed + live.packed_begin()[i]);
  return hn::IfThenElseZero(live_mask(live, i), hn::TableLookupLanes(x, order));
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_LIVE_UNITS_INL_H_
