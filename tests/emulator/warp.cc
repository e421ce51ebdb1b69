#include "emulator/warp.h"

#include <bit>

#include "emulator/block.h"
#include "emulator/race_detector.h"

namespace emulator {
Warp::Meeting& Warp::find_or_begin(Collective collective, unsigned mask, Site site) {
  for (unsigned rest = in_use_; rest != 0; rest &= rest - 1) {
    Meeting& m = meetings_[std::countr_zero(rest)];
    if (m.arrived == m.mask) continue;  // its lanes are on their way out
    if (m.mask == mask) {
      // __syncwarp alone may be called from several places for one meeting.
      if (m.collective != collective || (collective != Collective::kSync && m.site != site)) {
        die("%s:%d: lanes of mask %08x are here while others of it wait at %s:%d", site.file,
            site.line, mask, m.site.file, m.site.line);
      }
      return m;
    }
    if ((m.mask & mask) != 0) {
      die("%s:%d: mask %08x overlaps mask %08x of lanes that wait at %s:%d", site.file, site.line,
          mask, m.mask, m.site.file, m.site.line);
    }
  }
  if ((mask & exited_) != 0) {
    die("%s:%d: mask %08x names lanes that have exited (%08x)", site.file, site.line, mask,
        mask & exited_);
  }
  const int free = std::countr_one(in_use_);
  in_use_ |= 1U << free;
  Meeting& m = meetings_[free];
  m.collective = collective;
  m.mask = m.still_here = mask;
  m.arrived = 0;
  m.site = site;
  return m;
}

Exchange Warp::meet(Block& block, Collective collective, unsigned mask, std::uint64_t value,
                    Site site) {
  Thread& self = block.thread();
  const unsigned bit = 1U << self.lane;
  const unsigned n_threads =
      block.launch().block.x * block.launch().block.y * block.launch().block.z;
  const unsigned n_lanes = n_threads - self.warp * kLanes;
  // A full mask in a block's last warp, where that has fewer lanes: the others do not exist.
  if (mask == kAllLanes && n_lanes < kLanes) mask = (1U << n_lanes) - 1;
  if ((mask & bit) == 0) {
    die("%s:%d: lane %u calls with mask %08x, which does not name it", site.file, site.line,
        self.lane, mask);
  }
  Meeting& m = find_or_begin(collective, mask, site);
  m.values[self.lane] = value;
  m.arrived |= bit;
  if (m.arrived == mask) {
    if (races::on && collective == Collective::kSync) races::warp_synchronised(self.warp, mask);
    for (unsigned rest = mask & ~bit; rest != 0; rest &= rest - 1) {
      block.resume(block.thread_of(self.warp, static_cast<unsigned>(std::countr_zero(rest))));
    }
  } else {
    block.wait(site);
  }
  m.still_here &= ~bit;
  // The values stay until another meeting begins, which no thread can do before this one waits.
  if (m.still_here == 0) in_use_ &= ~(1U << static_cast<unsigned>(&m - meetings_));
  return {mask, m.values};
}

void Warp::exit(unsigned lane) {
  exited_ |= 1U << lane;
  if (in_use_ == 0) return;
  each_incomplete([lane](unsigned mask, unsigned, const Site& site) {
    if ((mask >> lane & 1) != 0) {
      die("%s:%d: lane %u has exited, and lanes of mask %08x wait for it here", site.file,
          site.line, lane, mask);
    }
  });
}

}  // namespace emulator
