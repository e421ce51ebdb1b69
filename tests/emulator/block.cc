#include "emulator/block.h"

#include <cstdio>
#include <utility>

#include "core/flush_denormals.h"
#include "emulator/counters.h"
#include "emulator/device_variables.h"
#include "emulator/race_detector.h"
#include "emulator/random_order.h"

extern "C" {
uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
extern const int warpSize = emulator::kLanes;
}

namespace emulator {
namespace {

template <class T>
void shuffle(std::vector<T>& values) {
  for (std::size_t n = values.size(); n > 1; --n) {
    std::swap(values[n - 1], values[random_below(static_cast<unsigned>(n))]);
  }
}

/// Of so many blocks that no test has them, a random order would take too much memory.
constexpr std::uint64_t kMostShuffledBlocks = 1 << 22;

}  // namespace

Block* Block::running_ = nullptr;

Fiber* Block::Queue::pop_front() {
  Fiber* const fiber = fibers_[first_];
  first_ = (first_ + 1) % kCapacity;
  --n_;
  return fiber;
}

Fiber* Block::Queue::take(unsigned place) {
  std::swap(fibers_[(first_ + place) % kCapacity], fibers_[first_]);
  return pop_front();
}

void Block::run_grid(const Launch& launch, const std::function<void()>& body) {
  static auto* const block = new Block;  // its fibers are kept from launch to launch
  block->begin(launch, body);
  const hourglass::FlushDenormals guard;  // kernels are compiled with -ftz=true
  const std::uint64_t n = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  std::vector<std::uint64_t> order;
  if (random_order() && n <= kMostShuffledBlocks) {
    for (std::uint64_t i = 0; i < n; ++i) order.push_back(i);
    shuffle(order);
  }
  running_ = block;
  if (races::on) races::begin_launch(n);
  for (std::uint64_t i = 0; i < n; ++i) block->run(order.empty() ? i : order[i]);
  running_ = nullptr;
}

void Block::begin(const Launch& launch, const std::function<void()>& body) {
  static thread_local const Fiber host = host_fiber();
  host_ = host;
  random_ = random_order();
  launch_ = &launch;
  body_ = &body;
  gridDim = launch.grid;
  blockDim = launch.block;
  const dim3 size = launch.block;
  threads_.resize(std::size_t{size.x} * size.y * size.z);
  order_.resize(threads_.size());
  warps_.resize((threads_.size() + kLanes - 1) / kLanes);
  for (unsigned i = 0; i < threads_.size(); ++i) {
    threads_[i] = {.index = {i % size.x, i / size.x % size.y, i / (size.x * size.y)},
                   .linear = i,
                   .warp = i / kLanes,
                   .lane = i % kLanes,
                   .fiber = nullptr,
                   .waits_at = {}};
    order_[i] = i;
  }
}

Block& Block::current(const char* caller) {
  if (running_ == nullptr) die("%s is called outside of a kernel", caller);
  return *running_;
}

uint3 Block::index() const {
  const dim3& grid = launch_->grid;
  const std::uint64_t in_plane = std::uint64_t{grid.x} * grid.y;
  return {static_cast<unsigned>(number_ % grid.x),
          static_cast<unsigned>(number_ % in_plane / grid.x),
          static_cast<unsigned>(number_ / in_plane)};
}

void Block::run(std::uint64_t number) {
  number_ = number;
  blockIdx = index();
  n_started_ = 0;
  n_alive_ = threads_.size();
  for (Warp& warp : warps_) warp.begin();
  if (random_) shuffle(order_);
  if (races::on) races::begin_block(number, static_cast<unsigned>(threads_.size()));
  shared_memory_.begin_block(launch_->kernel, launch_->shared_bytes);
  fiber_ = idle_fiber();
  switch_fiber(host_, *fiber_, false);
  thread_ = nullptr;
  shared_memory_.end_block();
}

Fiber* Block::idle_fiber() {
  Fiber* fiber;
  if (idle_.empty()) {
    fiber = make_fiber();
  } else {
    fiber = idle_.back();
    idle_.pop_back();
  }
  arm(*fiber, fiber_entry);
  return fiber;
}

void Block::fiber_entry() {
  begin_turn();
  running_->run_threads();
}

void Block::run_threads() {
  for (;;) {
    while (n_started_ < threads_.size()) {
      run_thread(threads_[order_[n_started_++]]);
      if (random_ && !ready_.empty()) break;
    }
    leave(true);
  }
}

void Block::run_thread(Thread& thread) {
  thread.fiber = fiber_;
  enter(&thread);
  (*body_)();
  warps_[thread.warp].exit(thread.lane);
  --n_alive_;
  thread_ = nullptr;
  release_barrier_if_complete();
}

void Block::enter(Thread* thread) {
  thread_ = thread;
  threadIdx = thread->index;
}

/// Which fiber goes on when this one cannot. A finished one can take the next thread itself.
Fiber* Block::next_fiber(bool finished) {
  const bool may_start = n_started_ < threads_.size();
  if (may_start && (ready_.empty() || !random_ || random_below(2) == 0)) {
    return finished ? fiber_ : idle_fiber();
  }
  if (!ready_.empty()) {
    return random_ ? ready_.take(random_below(ready_.size())) : ready_.pop_front();
  }
  if (n_alive_ == 0) return &host_;
  report_deadlock();
}

void Block::leave(bool finished) {
  Thread* const thread = thread_;
  Fiber* const from = fiber_;
  Fiber* const to = next_fiber(finished);
  if (to == from) return;
  if (finished) idle_.push_back(from);
  fiber_ = to;
  switch_fiber(*from, *to, finished);
  enter(thread);
}

void Block::wait(Site site) {
  thread_->waits_at = site;
  leave(false);
}

Block::Votes Block::barrier(Site site, bool vote) {
  if (at_barrier_.empty()) {
    barrier_site_ = site;
  } else if (barrier_site_ != site) {
    die("%s:%d: this thread came to a barrier while others wait at another, %s:%d", site.file,
        site.line, barrier_site_.file, barrier_site_.line);
  }
  votes_ += vote ? 1 : 0;
  at_barrier_.push_back(fiber_);
  release_barrier_if_complete();
  wait(site);
  return last_votes_;  // the next barrier cannot be complete without this thread
}

void Block::release_barrier_if_complete() {
  if (at_barrier_.empty() || at_barrier_.size() != n_alive_) return;
  if (races::on) races::block_synchronised();
  last_votes_ = {votes_, static_cast<int>(n_alive_)};
  votes_ = 0;
  while (!at_barrier_.empty()) ready_.push_back(at_barrier_.pop_front());
}

void Block::report_deadlock() {
  std::string waiting;
  const auto add = [&waiting](const std::string& who, const Site& site) {
    waiting += "\n  " + who + " at " + site.file + ":" + std::to_string(site.line);
  };
  if (!at_barrier_.empty()) {
    add(std::to_string(at_barrier_.size()) + " of " + std::to_string(n_alive_) +
            " threads wait for a barrier",
        barrier_site_);
  }
  for (const Warp& warp : warps_) {
    warp.each_incomplete([&](unsigned mask, unsigned arrived, const Site& site) {
      char who[64];
      std::snprintf(who, sizeof who, "lanes %08x of mask %08x wait", arrived, mask);
      add(who, site);
    });
  }
  thread_ = nullptr;
  die("no thread of the block can go on:%s", waiting.c_str());
}

void print_running_thread() {
  if (!Block::running()) return;
  Block& block = Block::current("print_running_thread");
  const uint3 b = block.index();
  std::fprintf(stderr, "  in kernel %s\n  block (%u, %u, %u)",
               describe_code(block.launch().kernel).c_str(), b.x, b.y, b.z);
  if (block.has_thread()) {
    const uint3 t = block.thread().index;
    std::fprintf(stderr, ", thread (%u, %u, %u)", t.x, t.y, t.z);
  }
  std::fputs("\n", stderr);
}

}  // namespace emulator
