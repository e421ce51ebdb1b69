#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace hourglass::cpu {

/// The one pool of threads. The caller is thread 0; the others wait between jobs, spinning for a
/// moment (an operation follows the last one at once) before they sleep. Denormals are flushed to
/// zero in every thread while it works. Work must be cut by shape, never by n_threads(): which thread
/// takes a piece must not show in the bits.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return n_threads_; }

  /// body(begin, end) over a contiguous run of [0, n) for each thread. For even, small work. `body`
  /// must not throw.
  template <class Body>
  void split(std::int64_t n, const Body& body) {
    const auto run = [&](int thread) {
      const std::int64_t begin = n * thread / n_threads_;
      const std::int64_t end = n * (thread + 1) / n_threads_;
      if (begin < end) body(begin, end);
    };
    on_every_thread(run, n > 1);
  }

  /// body(piece, thread) for each piece of [0, n), taken one at a time by whoever is free. For
  /// pieces of a few microseconds or more. `body` must not throw.
  template <class Body>
  void claim(std::int64_t n, const Body& body) {
    std::atomic<std::int64_t> next{0};
    const auto run = [&](int thread) {
      for (std::int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) body(i, thread);
    };
    on_every_thread(run, n > 1);
  }

 private:
  using Job = void (*)(const void* body, int thread);

  template <class Body>
  void on_every_thread(const Body& body, bool worth_sharing) {
    start([](const void* b, int thread) { (*static_cast<const Body*>(b))(thread); }, &body,
          worth_sharing);
  }
  void start(Job job, const void* body, bool worth_sharing);
  void work(int thread);

  const int n_threads_;
  int spins_;
  Job job_ = nullptr;
  const void* body_ = nullptr;
  // Each on a cache line of its own: the waiting side reads one while the other is written.
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint32_t> busy_{0};
  alignas(64) std::vector<std::thread> threads_;
};

/// Cores this process may use: its affinity, and its cgroup's quota where that is smaller.
int available_cores();

}  // namespace hourglass::cpu
