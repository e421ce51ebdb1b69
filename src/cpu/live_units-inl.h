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

// Below, copies of what LiveUnits holds: behind every store of a vector the compiler would read the
// originals again, since such a store may be to anything.

/// packed [live.count()] = the live units of row [live.width()]; behind them up to
/// live.packed_stride() anything may be.
HWY_INLINE void pack_row(const LiveUnits& live, const float* HWY_RESTRICT row,
                         float* HWY_RESTRICT packed) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d)), width = live.width();
  const std::int32_t *begin = live.packed_begin(), *order = live.pack_lanes(0);
  count_work({.packed = (width + lanes - 1) / lanes, .bytes = 8 * width});
  for (std::int64_t c = 0; c < width; c += lanes, ++begin) {
    const auto indices = hn::IndicesFromVec(d, hn::LoadU(di, order + c));
    hn::StoreU(hn::TableLookupLanes(hn::LoadU(d, row + c), indices), d, packed + *begin);
  }
}

/// Packed rows back to all units.
class Unpacking {
 public:
  explicit Unpacking(const LiveUnits& live)
      : begin_(live.packed_begin()), order_(live.unpack_lanes(0)), masks_(live.masks(0)) {}

  /// Which units of the vector at unit c are live.
  HWY_INLINE hn::Mask<FloatTag> mask(std::int64_t c) const {
    const hn::RebindToSigned<FloatTag> di;
    return hn::MaskFromVec(hn::BitCast(FloatTag(), hn::LoadU(di, masks_ + c)));
  }
  /// The vector at unit c, of a packed row: zero where a unit is not live.
  HWY_INLINE FloatVec operator()(const float* packed, std::int64_t c) const {
    const FloatTag d;
    const hn::RebindToSigned<FloatTag> di;
    const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
    count_work({.packed = 1, .bytes = 4 * lanes});
    const auto indices = hn::IndicesFromVec(d, hn::LoadU(di, order_ + c));
    const FloatVec x = hn::LoadU(d, packed + begin_[c / lanes]);
    return hn::IfThenElseZero(mask(c), hn::TableLookupLanes(x, indices));
  }

 private:
  const std::int32_t *begin_, *order_, *masks_;
};

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_LIVE_UNITS_INL_H_
