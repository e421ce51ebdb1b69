#include "cpu/core_spread.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

namespace hourglass::cpu {
namespace {

cpu_set_t one_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  return set;
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

/// In a thread of its own, so that no other test runs pinned.
template <class Body>
void on_a_thread(const Body& body) {
  std::thread(body).join();
}

class CoreSpreadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cores_.size() < 2) GTEST_SKIP() << "skipped: one core";
  }
  /// Thread 0 of `spread` comes to the first core.
  void come_first(CoreSpread& spread) const {
    on_a_thread([&] {
      const cpu_set_t first = one_core(cores_[0]);
      ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
      spread.come(0);
    });
  }
  const std::vector<int> cores_ = allowed_cores();
};

TEST_F(CoreSpreadTest, AThreadThatMeetsAnotherMovesAndStaysFreeToMove) {
  const cpu_set_t first = one_core(cores_[0]);
  cpu_set_t both = first;
  CPU_SET(cores_[1], &both);
  bool moved = false;
  // On a busy machine the kernel may move it back before we look: seldom each time.
  for (int i = 0; i < 100 && !moved; ++i) {
    CoreSpread spread(2);
    come_first(spread);
    on_a_thread([&] {
      ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);  // comes to the first core,
      ASSERT_EQ(sched_setaffinity(0, sizeof(both), &both), 0);    // and may leave it
      spread.come(1);
      moved = sched_getcpu() == cores_[1];
      cpu_set_t after;
      ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
      EXPECT_TRUE(CPU_EQUAL(&after, &both));
    });
  }
  EXPECT_TRUE(moved);
}

TEST_F(CoreSpreadTest, WithNoOtherCoreItStays) {
  CoreSpread spread(2);
  come_first(spread);
  on_a_thread([&] {
    const cpu_set_t first = one_core(cores_[0]);
    ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
    spread.come(1);
    EXPECT_EQ(sched_getcpu(), cores_[0]);
  });
}

}  // namespace
}  // namespace hourglass::cpu
