#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/flush_denormals.h"
#include "cpu/core_spread.h"

namespace hourglass::cpu {

/// The one pool of threads. The caller is thread 0; the others wait between jobs, spinning for a
/// moment (an operation follows the last one at once) before they sleep. A job is done when its
/// pieces are, whoever took them: a thread that other programs keep from its core is not waited for
/// unless it holds a piece. Denormals are flushed to zero in every thread while it works. Work must
/// be cut by shape, never by n_threads(): which thread takes a piece must not show in the bits.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return n_threads_; }

  /// body(begin, end, thread) over as many contiguous runs of [0, n) as there are threads, one for
  /// each unless one is late. For even, small work. `body` must not throw.
  template <class Body>
  void split(std::int64_t n, const Body& body) {
    const std::int64_t runs = n < n_threads_ ? n : n_threads_;
    claim(runs, [&](std::int64_t run, int thread) {
      body(n * run / runs, n * (run + 1) / runs, thread);
    });
  }

  /// body(piece, thread) for each piece of [0, n). A thread begins with its own run of pieces, the
  /// same one every time: what it wrote there is still in its cache. When that is done it takes
  /// from the far end of another's. For pieces of a few microseconds or more. `body` must not
  /// throw.
  template <class Body>
  void claim(std::int64_t n, const Body& body) {
    for (int t = 0; t < n_threads_; ++t) {
      shares_[static_cast<std::size_t>(t)].set(n * t / n_threads_, n * (t + 1) / n_threads_);
    }
    const auto run = [&](int thread) {
      for (int i = 0; i < n_threads_; ++i) {
        Share& share = shares_[static_cast<std::size_t>((thread + i) % n_threads_)];
        for (std::int64_t piece; (piece = i == 0 ? share.first() : share.last()) >= 0;) {
          body(piece, thread);
        }
      }
    };
    if (n_threads_ == 1 || n <= 1) {
      const FlushDenormals flush;
      run(0);
    } else {
      start([](const void* b, int thread) { (*static_cast<const decltype(run)*>(b))(thread); },
            &run);
    }
  }

 private:
  /// What is left of a thread's run of pieces, both ends in one word: they move together or not at
  /// all.
  class alignas(64) Share {
   public:
    void set(std::int64_t begin, std::int64_t end) {
      ends_.store(word(static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)),
                  std::memory_order_relaxed);
    }
    /// The piece taken from that end, or -1 where none is left.
    std::int64_t first() { return take(1, 0); }
    std::int64_t last() { return take(0, 1); }

   private:
    static std::uint64_t word(std::uint64_t begin, std::uint64_t end) { return begin << 32 | end; }
    std::int64_t take(std::uint64_t from_begin, std::uint64_t from_end) {
      std::uint64_t ends = ends_.load(std::memory_order_relaxed);
      for (;;) {
        const std::uint64_t begin = ends >> 32, end = ends & 0xFFFFFFFFU;
        if (begin >= end) return -1;
        if (ends_.compare_exchange_weak(ends, word(begin + from_begin, end - from_end),
                                        std::memory_order_relaxed)) {
          return static_cast<std::int64_t>(from_begin != 0 ? begin : end - 1);
        }
      }
    }
    std::atomic<std::uint64_t> ends_{0};
  };

  using Job = void (*)(const void* body, int thread);

  void start(Job job, const void* body) noexcept;
  void work(int thread);
  bool join();
  void leave();
  /// With more threads than cores, a thread that spins keeps from work the one it waits for.
  int spins() const { return has_cores_ ? 2000 : 0; }
  void stop();

  const int n_threads_;
  const bool has_cores_;  ///< one for each thread
  CoreSpread spread_;
  Job job_ = nullptr;
  const void* body_ = nullptr;
  // On one cache line, since a thread that comes reads both.
  alignas(64) std::atomic<std::uint32_t> generation_{
      0};  ///< a new one each job: who waits, goes on
  /// How many threads are at the job, the caller apart, and whether more may come.
  std::atomic<std::uint32_t> at_work_{0};
  static constexpr std::uint32_t kOpen = std::uint32_t{1} << 31;
  alignas(64) std::vector<std::thread> threads_;
  std::vector<Share> shares_;  ///< a thread each
};

/// How many pieces of `size` n is cut into, the last perhaps smaller.
constexpr std::int64_t pieces(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

/// Cores this process may use: its affinity, and its cgroup's quota where that is smaller.
int available_cores();

}  // namespace hourglass::cpu
