#include "emulator/device_language.h"

#include "emulator/block.h"

namespace emulator {
namespace {

Exchange meet(const char* function, Collective collective, unsigned mask, std::uint64_t value,
              Site site) {
  Block& block = Block::current(function);
  return block.warp_of(block.thread()).meet(block, collective, mask, value, site);
}

}  // namespace

void* shared_array(const void* key, std::size_t bytes) {
  return Block::current("shared memory").shared_memory().array(key, bytes);
}

void* dynamic_shared() { return Block::current("dynamic shared memory").shared_memory().dynamic(); }

Votes meet_block(bool vote, Site site) {
  const Block::Votes votes = Block::current("__syncthreads").barrier(site, vote);
  return {votes.in_favour, votes.in_all};
}

void synchronise_warp(unsigned mask, Site site) {
  meet("__syncwarp", Collective::kSync, mask, 0, site);
}

Brought bring_vote(unsigned mask, bool vote, Site site) {
  const Exchange votes = meet("a vote", Collective::kVote, mask, vote ? 1 : 0, site);
  return {votes.mask, votes.values};
}

Brought bring_number(unsigned mask, std::uint32_t number, Site site) {
  const Exchange numbers = meet("a reduction", Collective::kReduce, mask, number, site);
  return {numbers.mask, numbers.values};
}

int lane_of(int width) {
  return static_cast<int>(Block::current("a shuffle").thread().lane) & (width - 1);
}

std::uint64_t shuffle(unsigned mask, std::uint64_t value, int source, int width, Site site) {
  if (width <= 0 || width > 32 || (width & (width - 1)) != 0) {
    die("%s:%d: a shuffle of %d lanes: the width is a power of 2 up to 32", site.file, site.line,
        width);
  }
  const Exchange brought = meet("a shuffle", Collective::kShuffle, mask, value, site);
  if (source < 0 || source >= width) return value;
  const unsigned lane = Block::current("a shuffle").thread().lane;
  const unsigned from = (lane & ~static_cast<unsigned>(width - 1)) + static_cast<unsigned>(source);
  if ((brought.mask >> from & 1) == 0) {
    die("%s:%d: the shuffle reads lane %u, which is not in its mask %08x", site.file, site.line,
        from, mask);
  }
  return brought.values[from];
}

}  // namespace emulator
