#include "cpu/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <csignal>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/error_text.h"

namespace hourglass::cpu {
namespace {

constexpr std::int64_t kSizes[] = {0, 1, 2, 7, 8, 9, 31, 1031};

class ThreadPoolTest : public testing::TestWithParam<int> {
 protected:
  /// body(thread) once on each thread: a piece ends when all have one.
  template <class Body>
  void on_each_thread(const Body& body) {
    std::atomic<int> here{0};
    pool_.claim(GetParam(), [&](std::int64_t, int thread) {
      body(thread);
      ++here;
      while (here < GetParam()) std::this_thread::yield();
    });
  }
  ThreadPool pool_{GetParam()};
};

TEST_P(ThreadPoolTest, HasItsThreads) { EXPECT_EQ(pool_.n_threads(), GetParam()); }

TEST_P(ThreadPoolTest, ClaimsEveryPieceOnce) {
  for (const std::int64_t n : kSizes) {
    std::vector<std::atomic<int>> taken(static_cast<std::size_t>(n));
    std::atomic<bool> no_such_thread{false};
    pool_.claim(n, [&](std::int64_t piece, int thread) {
      ++taken[static_cast<std::size_t>(piece)];
      if (thread < 0 || thread >= GetParam()) no_such_thread = true;
    });
    for (const auto& times : taken) ASSERT_EQ(times, 1) << n << " pieces";
    EXPECT_FALSE(no_such_thread);
  }
}

TEST_P(ThreadPoolTest, SplitsIntoRunsThatCoverAll) {
  for (const std::int64_t n : kSizes) {
    std::mutex mutex;
    std::vector<std::pair<std::int64_t, std::int64_t>> runs;
    pool_.split(n, [&](std::int64_t begin, std::int64_t end, int) {
      const std::lock_guard lock(mutex);
      runs.emplace_back(begin, end);
    });
    std::sort(runs.begin(), runs.end());
    std::int64_t next = 0;
    for (const auto& [begin, end] : runs) {
      EXPECT_EQ(begin, next) << "of " << n;
      EXPECT_LT(begin, end) << "of " << n;
      next = end;
    }
    EXPECT_EQ(next, n);
    EXPECT_EQ(static_cast<std::int64_t>(runs.size()), std::min<std::int64_t>(n, GetParam()));
  }
}

// A thread's number names its scratch: two pieces at once must never have the same.
TEST_P(ThreadPoolTest, NoTwoPiecesAtOnceHaveOneThreadNumber) {
  std::vector<std::atomic<bool>> busy(static_cast<std::size_t>(GetParam()));
  std::atomic<int> clashes{0};
  for (int job = 0; job < 50; ++job) {
    pool_.claim(64, [&](std::int64_t, int thread) {
      if (busy[static_cast<std::size_t>(thread)].exchange(true)) ++clashes;
      std::this_thread::yield();
      busy[static_cast<std::size_t>(thread)] = false;
    });
  }
  EXPECT_EQ(clashes, 0);
}

// What a job wrote is there when it returns, and the next job reads it: plain memory, no atomics
// (the thread sanitizer looks on).
TEST_P(ThreadPoolTest, ManySmallJobsFollowOneAnother) {
  constexpr std::int64_t kPieces = 9;
  std::vector<std::int64_t> from(kPieces), to(kPieces);
  for (int job = 1; job <= 2000; ++job) {
    const auto body = [&](std::int64_t i) {
      to[static_cast<std::size_t>(i)] = from[static_cast<std::size_t>((i + 1) % kPieces)] + 1;
    };
    if (job % 2 == 0) {
      pool_.claim(kPieces, [&](std::int64_t piece, int) { body(piece); });
    } else {
      pool_.split(kPieces, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) body(i);
      });
    }
    std::swap(from, to);
    for (const std::int64_t x : from) ASSERT_EQ(x, job);
  }
}

// One slow piece must not keep the others waiting, nor be left behind.
TEST_P(ThreadPoolTest, WaitsForTheSlowestPiece) {
  for (int job = 0; job < 20; ++job) {
    std::atomic<int> done{0};
    pool_.claim(16, [&](std::int64_t piece, int) {
      for (int i = 0; piece == job % 16 && i < 100; ++i) std::this_thread::yield();
      ++done;
    });
    ASSERT_EQ(done, 16);
  }
}

TEST_P(ThreadPoolTest, FlushesDenormalsWhileItWorks) {
  const auto half_the_least = [] {
    volatile float least = FLT_MIN;
    return least * 0.5F;
  };
  std::vector<float> results(static_cast<std::size_t>(GetParam()), -1.0F);
  on_each_thread([&](int thread) { results[static_cast<std::size_t>(thread)] = half_the_least(); });
  for (const float x : results) EXPECT_EQ(x, 0.0F);
  float alone = -1.0F;  // a job that is not worth sharing
  pool_.claim(1, [&](std::int64_t, int) { alone = half_the_least(); });
  EXPECT_EQ(alone, 0.0F);
  EXPECT_GT(half_the_least(), 0.0F);  // the caller's own arithmetic stays as it was
}

std::atomic<int> held{0};
std::atomic<bool> hold{false};

// Other programs keep a thread from its core for milliseconds, which is many jobs' time.
TEST_P(ThreadPoolTest, AThreadThatIsKeptFromItsCoreIsNotWaitedFor) {
  std::vector<pthread_t> threads(static_cast<std::size_t>(GetParam()));
  on_each_thread([&](int t) { threads[static_cast<std::size_t>(t)] = pthread_self(); });
  hold = true;
  const auto before = std::signal(SIGUSR1, [](int) {
    ++held;
    while (hold) {
    }
    --held;
  });
  for (std::size_t t = 1; t < threads.size(); ++t) pthread_kill(threads[t], SIGUSR1);
  while (held < GetParam() - 1) std::this_thread::yield();
  for (int job = 0; job < 10; ++job) {
    int done = 0;  // the caller does all
    pool_.claim(9, [&](std::int64_t, int thread) { done += thread == 0 ? 1 : 0; });
    pool_.split(9, [&](std::int64_t begin, std::int64_t end, int) {
      done += static_cast<int>(end - begin);
    });
    EXPECT_EQ(done, 18);
  }
  hold = false;
  while (held > 0) std::this_thread::yield();
  std::signal(SIGUSR1, before);
  on_each_thread([](int) {});  // they are back
}

TEST_P(ThreadPoolTest, EndsWithoutAJob) {
  for (int i = 0; i < 20; ++i) const ThreadPool idle(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 8),
                         [](const auto& test) { return std::to_string(test.param); });

TEST(ThreadPool, HasAtLeastTheCaller) {
  EXPECT_EQ(ThreadPool(0).n_threads(), 1);
  EXPECT_EQ(ThreadPool(-3).n_threads(), 1);
}

TEST(ThreadPool, SeesAtLeastOneCore) { EXPECT_GE(available_cores(), 1); }

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Where a thread cannot be had, those before it must end, or the program does.
TEST(ThreadPool, SaysThatAThreadCannotBeHad) {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  ASSERT_TRUE(statm >> pages);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  // Room for the stacks of a few.
  const rlimit tight = {pages * 4096 + (rlim_t{64} << 20), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  const std::string text = test::error_text([] { const ThreadPool pool(200); });
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_TRUE(text.starts_with("cannot start a thread: ")) << text;
  EXPECT_NE(text.find("memory"), text.npos) << text;
}
#endif

}  // namespace
}  // namespace hourglass::cpu
