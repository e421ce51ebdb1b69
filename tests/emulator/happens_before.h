#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emulator/warp.h"

namespace emulator::races {

/// Which thread did something, and when by the clocks of its block and of its own. 16 bytes, since
/// there are four for every word of memory.
struct Moment {
  std::uint32_t block = 0;  ///< numbered through all launches, from 1; 0: never
  std::uint16_t thread = 0;
  std::uint16_t generation = 0;  ///< barriers that the block had passed
  std::uint32_t epoch : 28 = 0;  ///< fences and __syncwarps that the thread had passed
  std::uint32_t bytes : 4 = 0;   ///< of the word
  std::int32_t code = 0;         ///< which access, as the distance from a fixed address
};

/// What is ordered before something, of several blocks.
class Past {
 public:
  /// All that the block did before its `generation`.
  void add_block(std::uint32_t block, std::uint32_t generation);
  /// All that the thread did up to its `epoch`.
  void add_thread(std::uint32_t block, unsigned thread, std::uint32_t epoch);
  void add(const Past& other);
  bool contains(const Moment& moment) const;

 private:
  struct OfBlock {
    std::uint32_t generation = 0;
    std::unordered_map<unsigned, std::uint32_t> epochs;  ///< of threads
  };
  std::unordered_map<std::uint32_t, OfBlock> blocks_;
};

/// The order of one block's threads, and what they know of other blocks.
class Order {
 public:
  void begin_launch();
  void begin_block(std::uint32_t block, unsigned n_threads);
  void block_synchronised();
  void warp_synchronised(unsigned warp, unsigned mask);
  void fence(unsigned thread);
  void atomic(unsigned thread, const void* address);

  /// Now, for the thread.
  Moment now(unsigned thread) const {
    Moment moment;
    moment.block = block_;
    moment.thread = static_cast<std::uint16_t>(thread);
    moment.generation = static_cast<std::uint16_t>(generation_);
    moment.epoch = threads_[thread].epoch & 0xFFFFFFF;
    return moment;
  }
  /// Whether it is ordered before whatever the thread does now. Not of an earlier launch.
  bool is_past(const Moment& moment, unsigned thread) const {
    const Thread& self = threads_[thread];
    if (moment.block == block_) {
      if (moment.thread == thread || moment.generation < generation_) return true;
      if (moment.thread / kLanes == thread / kLanes &&
          moment.epoch < self.lanes[moment.thread % kLanes]) {
        return true;
      }
    }
    return self.past != nullptr && self.past->contains(moment);
  }

 private:
  using SharedPast = std::shared_ptr<const Past>;

  struct Thread {
    std::uint32_t epoch = 0;
    std::uint32_t lanes[kLanes] = {};  ///< of its warp: what they did below this epoch is past
    SharedPast past;                   ///< by fences; null where there is none
    SharedPast seen;                   ///< by atomics: past as of the next fence
    SharedPast released;               ///< as of the last fence: what an atomic makes known
  };

  static SharedPast joined(const SharedPast& a, const SharedPast& b);

  std::uint32_t block_ = 0;
  std::uint32_t generation_ = 0;
  std::vector<Thread> threads_;
  std::unordered_map<const void*, SharedPast> made_known_;  ///< by atomics, at their addresses
};

}  // namespace emulator::races
