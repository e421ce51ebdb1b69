#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "emulator/fiber.h"
#include "emulator/report.h"
#include "emulator/shared_memory.h"
#include "emulator/warp.h"

namespace emulator {

/// A kernel's launch: <<<grid, block, shared_bytes>>>.
struct Launch {
  const void* kernel;  ///< its address, by which it is known and named
  dim3 grid, block;
  std::size_t shared_bytes;  ///< dynamic shared memory
};

/// A CUDA thread.
struct Thread {
  uint3 index;
  unsigned linear;  ///< in its block
  unsigned warp, lane;
  Fiber* fiber;   ///< that it runs or waits on
  Site waits_at;  ///< of the last barrier or collective that it came to
};

/// The block that runs, a thread at a time. A thread runs until it has to wait: one that never does
/// is a plain call; one that does keeps its fiber, and the next starts on another.
///
/// Blocks run one after another: one that waits for a later block waits for ever.
class Block {
 public:
  /// Runs all blocks of the launch: `body` is one thread's work.
  static void run_grid(const Launch& launch, const std::function<void()>& body);

  /// The running one; ends the program, naming the caller, outside of a kernel.
  static Block& current(const char* caller);
  static bool running() { return running_ != nullptr; }

  const Launch& launch() const { return *launch_; }
  std::uint64_t number() const { return number_; }  ///< in its grid
  uint3 index() const;
  bool has_thread() const { return thread_ != nullptr; }  ///< and not only the scheduler's work
  Thread& thread() { return *thread_; }
  SharedMemory& shared_memory() { return shared_memory_; }
  Warp& warp_of(const Thread& thread) { return warps_[thread.warp]; }
  Thread& thread_of(unsigned warp, unsigned lane) { return threads_[warp * kLanes + lane]; }

  struct Votes {
    int in_favour;
    int in_all;  ///< of the threads that have not exited
  };
  /// __syncthreads: waits for all threads that have not exited, who must come to the same barrier.
  Votes barrier(Site site, bool vote);

  /// Lets others run until something resumes this thread.
  void wait(Site site);
  void resume(Thread& thread) { ready_.push_back(thread.fiber); }

 private:
  /// Fibers in the order in which they became ready.
  class Queue {
   public:
    bool empty() const { return n_ == 0; }
    unsigned size() const { return n_; }
    void push_back(Fiber* fiber) { fibers_[(first_ + n_++) % kCapacity] = fiber; }
    Fiber* pop_front();
    Fiber* take(unsigned place);

   private:
    static constexpr unsigned kCapacity = 1024;  // a block's threads
    Fiber* fibers_[kCapacity];
    unsigned first_ = 0, n_ = 0;
  };

  static void fiber_entry();

  void begin(const Launch& launch, const std::function<void()>& body);
  void run(std::uint64_t number);
  void run_threads();
  void run_thread(Thread& thread);
  void release_barrier_if_complete();
  Fiber* next_fiber(bool finished);
  void leave(bool finished);
  void enter(Thread* thread);
  Fiber* idle_fiber();
  [[noreturn]] void report_deadlock();

  static Block* running_;

  const Launch* launch_ = nullptr;
  const std::function<void()>* body_ = nullptr;
  bool random_ = false;  ///< random_order()
  std::uint64_t number_ = 0;
  std::vector<Thread> threads_;
  std::vector<unsigned> order_;  ///< in which threads start
  std::size_t n_started_ = 0, n_alive_ = 0;
  std::vector<Warp> warps_;
  SharedMemory shared_memory_;

  Queue ready_, at_barrier_;
  Site barrier_site_ = {};
  int votes_ = 0;
  Votes last_votes_ = {};

  Thread* thread_ = nullptr;
  Fiber host_;
  Fiber* fiber_ = nullptr;
  std::vector<Fiber*> idle_;
};

/// Of the kernel, block and thread that run, if any, on stderr.
void print_running_thread();

}  // namespace emulator
