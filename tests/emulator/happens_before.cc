#include "emulator/happens_before.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "emulator/report.h"

namespace emulator::races {

void Past::add_block(std::uint32_t block, std::uint32_t generation) {
  std::uint32_t& known = blocks_[block].generation;
  known = std::max(known, generation);
}

void Past::add_thread(std::uint32_t block, unsigned thread, std::uint32_t epoch) {
  std::uint32_t& known = blocks_[block].epochs[thread];
  known = std::max(known, epoch);
}

void Past::add(const Past& other) {
  for (const auto& [block, of_block] : other.blocks_) {
    add_block(block, of_block.generation);
    for (const auto& [thread, epoch] : of_block.epochs) add_thread(block, thread, epoch);
  }
}

bool Past::contains(const Moment& moment) const {
  const auto block = blocks_.find(moment.block);
  if (block == blocks_.end()) return false;
  if (moment.generation < block->second.generation) return true;
  const auto thread = block->second.epochs.find(moment.thread);
  return thread != block->second.epochs.end() && moment.epoch <= thread->second;
}

void Order::begin_launch() { made_known_.clear(); }

void Order::begin_block(std::uint32_t block, unsigned n_threads) {
  block_ = block;
  generation_ = 0;
  threads_.assign(n_threads, {});
}

Order::SharedPast Order::joined(const SharedPast& a, const SharedPast& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto both = std::make_shared<Past>(*a);
  both->add(*b);
  return both;
}

void Order::block_synchronised() {
  if (++generation_ > std::numeric_limits<std::uint16_t>::max()) {
    die("a block passes more than 65,535 barriers: the race detector does not count further");
  }
  SharedPast all;
  for (const Thread& thread : threads_) all = joined(all, thread.past);
  if (all == nullptr) return;
  for (Thread& thread : threads_) thread.past = all;
}

void Order::warp_synchronised(unsigned warp, unsigned mask) {
  Thread* const lanes = &threads_[std::size_t{warp} * kLanes];
  std::uint32_t known[kLanes] = {};
  SharedPast all;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const Thread& lane = lanes[std::countr_zero(rest)];
    for (unsigned i = 0; i < kLanes; ++i) known[i] = std::max(known[i], lane.lanes[i]);
    all = joined(all, lane.past);
  }
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(rest));
    known[i] = ++lanes[i].epoch;
  }
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    Thread& lane = lanes[std::countr_zero(rest)];
    std::copy(known, known + kLanes, lane.lanes);
    lane.past = all;
  }
}

void Order::fence(unsigned thread) {
  Thread& self = threads_[thread];
  self.past = joined(self.past, self.seen);
  auto released = std::make_shared<Past>();
  if (self.past != nullptr) released->add(*self.past);
  released->add_block(block_, generation_);
  released->add_thread(block_, thread, self.epoch);
  const unsigned first = thread / kLanes * kLanes;
  for (unsigned i = 0; i < kLanes && first + i < threads_.size(); ++i) {
    if (self.lanes[i] > 0) released->add_thread(block_, first + i, self.lanes[i] - 1);
  }
  self.released = std::move(released);
  ++self.epoch;
}

void Order::atomic(unsigned thread, const void* address) {
  Thread& self = threads_[thread];
  SharedPast& known = made_known_[address];
  if (self.released != nullptr) known = joined(known, self.released);
  self.seen = joined(self.seen, known);
}

}  // namespace emulator::races
