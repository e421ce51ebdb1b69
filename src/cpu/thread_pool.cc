#include "cpu/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "hourglass/core/start_thread.h"

namespace hourglass::cpu {
namespace {

void pause() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns once value != old.
void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

/// The quota of cgroup v2 or v1 in cores, or 0 where there is none.
double cgroup_quota() {
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
    return quota == "max" || period <= 0 ? 0 : std::atof(quota.c_str()) / period;
  }
  double limit = 0;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota >> limit && v1_period >> period && limit > 0 && period > 0) return limit / period;
  return 0;
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    cores = CPU_COUNT(&set);
  } else {  // more than CPU_SETSIZE cores
    cores = static_cast<int>(std::thread::hardware_concurrency());
  }
  if (const double quota = cgroup_quota(); quota > 0) {
    cores = std::min(cores, static_cast<int>(std::ceil(quota)));
  }
  return std::max(cores, 1);
}

ThreadPool::ThreadPool(int n_threads)
    : n_threads_(std::max(n_threads, 1)),
      has_cores_(n_threads_ <= available_cores()),
      spread_(n_threads_),
      shares_(static_cast<std::size_t>(n_threads_)) {
  threads_.reserve(static_cast<std::size_t>(n_threads_ - 1));
  try {
    for (int t = 1; t < n_threads_; ++t) {
      threads_.push_back(start_thread([&] { return std::thread([this, t] { work(t); }); }));
    }
  } catch (...) {
    stop();  // those that run: a std::thread that goes unjoined ends the program
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  job_ = nullptr;
  at_work_.store(kOpen, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::start(Job job, const void* body) noexcept {
  const FlushDenormals flush;
  if (has_cores_) spread_.come(0);
  job_ = job;
  body_ = body;
  at_work_.store(kOpen, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  job(body, 0);
  // Nothing is left to take, so nobody need come any more; who has come may hold a piece yet.
  std::uint32_t at_work = at_work_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (; at_work != 0; at_work = at_work_.load(std::memory_order_acquire)) {
    wait_while(at_work_, at_work, spins());
  }
}

/// False where the job is over.
bool ThreadPool::join() {
  std::uint32_t at_work = at_work_.load(std::memory_order_relaxed);
  while ((at_work & kOpen) != 0) {
    if (at_work_.compare_exchange_weak(at_work, at_work + 1, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::leave() {
  // The last one after the caller, who may sleep.
  if (at_work_.fetch_sub(1, std::memory_order_acq_rel) == 1) at_work_.notify_one();
}

void ThreadPool::work(int thread) {
  const FlushDenormals flush;
  for (std::uint32_t seen = 0;;) {
    wait_while(generation_, seen, spins());
    seen = generation_.load(std::memory_order_acquire);
    if (has_cores_)
      spread_.come(thread);  // before it joins: a move takes time, and is waited for then
    if (!join()) continue;
    if (job_ == nullptr) return;
    job_(body_, thread);
    leave();
  }
}

}  // namespace hourglass::cpu
