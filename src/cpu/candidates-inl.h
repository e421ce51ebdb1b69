// Looking for candidates by vectors, per target: included by kernels_*.cc under foreach_target.h.
#if defined(HOURGLASS_CPU_CANDIDATES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOURGLASS_CPU_CANDIDATES_INL_H_
#undef HOURGLASS_CPU_CANDIDATES_INL_H_
#else
#define HOURGLASS_CPU_CANDIDATES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "cpu/candidates.h"
#include "cpu/matmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

/// Columns [begin, end) of a row, whose scores [...] are those of column `first` on.
HWY_INLINE void take_candidates(const float* scores, std::int64_t first, std::int64_t begin,
                                std::int64_t end, Candidates& candidates) {
  const FloatTag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = begin;
  for (; c + lanes <= end; c += lanes) {  // most vectors have no candidate
    const FloatVec x = hn::LoadU(d, scores + (c - first));
    if (hn::AllFalse(d, hn::Gt(x, hn::Set(d, candidates.cutoff())))) continue;
    for (std::int64_t i = c; i < c + lanes; ++i) candidates.offer(scores[i - first], i);
  }
  for (; c < end; ++c) candidates.offer(scores[c - first], c);
}

/// The same without the columns that are excluded, ascending from `excluded` on; where those of
/// `end` and more begin.
HWY_INLINE const std::int32_t* take_candidates_but(const std::int32_t* excluded,
                                                   const std::int32_t* excluded_end,
                                                   const float* scores, std::int64_t first,
                                                   std::int64_t end, Candidates& candidates) {
  std::int64_t begin = first;
  for (; excluded < excluded_end && *excluded < end; ++excluded) {
    take_candidates(scores, first, begin, *excluded, candidates);
    begin = *excluded + 1;
  }
  take_candidates(scores, first, begin, end, candidates);
  return excluded;
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#endif  // HOURGLASS_CPU_CANDIDATES_INL_H_
