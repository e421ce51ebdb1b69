#include "emulator/device_language.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "emulator/block.h"
#include "emulator/device.h"

namespace emulator {
namespace {

Exchange meet(const char* function, Collective collective, unsigned mask, std::uint64_t value,
              Site site) {
  Block& block = Block::current(function);
  return block.warp_of(block.thread()).meet(block, collective, mask, value, site);
}

/// Two floats of every lane of the warp.
using Pairs = std::array<std::array<float, 2>, kLanes>;

Pairs exchange_pairs(float first, float second, Site site) {
  const std::array<float, 2> pair = {first, second};
  const Exchange brought = meet("a product of matrices", Collective::kMatrix, kAllLanes,
                                std::bit_cast<std::uint64_t>(pair), site);
  if (brought.mask != kAllLanes)
    die("%s:%d: the warp has fewer than 32 lanes", site.file, site.line);
  Pairs pairs;
  std::transform(brought.values, brought.values + kLanes, pairs.begin(),
                 [](std::uint64_t bits) { return std::bit_cast<std::array<float, 2>>(bits); });
  return pairs;
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

void multiply_tf32(float (&sum)[4], const float (&left)[4], const float (&right)[2], Site site) {
  if (!card().has_tf32())
    die("%s:%d: TF32 on %s, which has none", site.file, site.line, card().name);
  for (const float operand : {left[0], left[1], left[2], left[3], right[0], right[1]}) {
    if (!std::isnan(operand) && operand != rounded_to_tf32(operand)) {
      die("%s:%d: %g is not rounded to TF32", site.file, site.line, static_cast<double>(operand));
    }
  }
  const Pairs near = exchange_pairs(left[0], left[1], site);  // rows g and g + 8, k < 4
  const Pairs far = exchange_pairs(left[2], left[3], site);   // k >= 4
  const Pairs of_right = exchange_pairs(right[0], right[1], site);
  const unsigned lane = Block::current("a product of matrices").thread().lane;
  const unsigned g = lane / 4, t = lane % 4;
  for (unsigned k = 0; k < 8; ++k) {
    const auto& rows = (k < 4 ? near : far)[4 * g + k % 4];
    for (unsigned column = 0; column < 2; ++column) {
      const float factor = of_right[4 * (2 * t + column) + k % 4][k / 4];
      sum[column] = std::fma(rows[0], factor, sum[column]);
      sum[2 + column] = std::fma(rows[1], factor, sum[2 + column]);
    }
  }
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
