// Which accesses of a launch's threads are ordered, and by what.
#include "emulator/happens_before.h"

#include <gtest/gtest.h>

namespace emulator::races {
namespace {

constexpr std::uint32_t kBlock = 1, kOther = 2;
constexpr unsigned kThreads = 64;

class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    order_.begin_launch();
    order_.begin_block(kBlock, kThreads);
  }
  Order order_;
  int counter_ = 0;  ///< of atomics
};

TEST_F(OrderTest, AThreadComesAfterItself) {
  const Moment before = order_.now(3);
  EXPECT_TRUE(order_.is_past(before, 3));
  EXPECT_FALSE(order_.is_past(before, 4));
}

TEST_F(OrderTest, ABarrierOrdersTheBlock) {
  const Moment before = order_.now(3);
  order_.block_synchronised();
  EXPECT_TRUE(order_.is_past(before, 40));
  const Moment after = order_.now(3);
  EXPECT_FALSE(order_.is_past(after, 40));
}

TEST_F(OrderTest, ASyncwarpOrdersTheLanesThatItNames) {
  const Moment of_0 = order_.now(0), of_9 = order_.now(9), of_32 = order_.now(32);
  order_.warp_synchronised(0, 0xFF);
  EXPECT_TRUE(order_.is_past(of_0, 7));
  EXPECT_FALSE(order_.is_past(of_0, 8)) << "not in the mask";
  EXPECT_FALSE(order_.is_past(of_0, 39)) << "of another warp";
  EXPECT_FALSE(order_.is_past(of_9, 0));
  EXPECT_FALSE(order_.is_past(of_32, 0));
  EXPECT_FALSE(order_.is_past(order_.now(0), 7)) << "what comes after it";
}

TEST_F(OrderTest, SyncwarpsPassOnWhatTheyKnow) {
  const Moment of_0 = order_.now(0);
  order_.warp_synchronised(0, 0b0011);
  order_.warp_synchronised(0, 0b0110);
  EXPECT_TRUE(order_.is_past(of_0, 2));
}

TEST_F(OrderTest, FenceAtomicAtomicFenceOrdersBlocks) {
  const Moment before = order_.now(5);
  order_.fence(5);
  const Moment between = order_.now(5);
  order_.atomic(5, &counter_);
  order_.begin_block(kOther, kThreads);
  order_.atomic(0, &counter_);
  EXPECT_FALSE(order_.is_past(before, 0)) << "before the reader's fence";
  order_.fence(0);
  EXPECT_TRUE(order_.is_past(before, 0));
  EXPECT_FALSE(order_.is_past(between, 0)) << "after the writer's fence";
  EXPECT_FALSE(order_.is_past(before, 1));
  order_.block_synchronised();
  EXPECT_TRUE(order_.is_past(before, 1)) << "a barrier passes it on";
}

TEST_F(OrderTest, WhatABarrierOrderedBeforeAFenceIsReleasedWithIt) {
  const Moment of_3 = order_.now(3);
  order_.block_synchronised();
  order_.fence(0);
  order_.atomic(0, &counter_);
  order_.begin_block(kOther, kThreads);
  order_.atomic(0, &counter_);
  order_.fence(0);
  EXPECT_TRUE(order_.is_past(of_3, 0));
}

TEST_F(OrderTest, WhatASyncwarpOrderedBeforeAFenceIsReleasedWithIt) {
  const Moment of_3 = order_.now(3), of_4 = order_.now(4);
  order_.warp_synchronised(0, 0b1001);
  order_.fence(0);
  order_.atomic(0, &counter_);
  order_.begin_block(kOther, kThreads);
  order_.atomic(0, &counter_);
  order_.fence(0);
  EXPECT_TRUE(order_.is_past(of_3, 0));
  EXPECT_FALSE(order_.is_past(of_4, 0));
}

TEST_F(OrderTest, AnAtomicWithoutAFenceOrdersNothing) {
  const Moment before = order_.now(5);
  order_.atomic(5, &counter_);
  order_.begin_block(kOther, kThreads);
  order_.atomic(0, &counter_);
  order_.fence(0);
  EXPECT_FALSE(order_.is_past(before, 0));
}

TEST_F(OrderTest, AtomicsElsewhereOrderNothing) {
  const Moment before = order_.now(5);
  order_.fence(5);
  order_.atomic(5, &counter_);
  order_.begin_block(kOther, kThreads);
  int elsewhere = 0;
  order_.atomic(0, &elsewhere);
  order_.fence(0);
  EXPECT_FALSE(order_.is_past(before, 0));
}

TEST_F(OrderTest, OrderGoesThroughAThirdBlock) {
  const Moment before = order_.now(5);
  order_.fence(5);
  order_.atomic(5, &counter_);
  order_.begin_block(kOther, kThreads);
  order_.atomic(0, &counter_);
  order_.fence(0);
  int other_counter = 0;
  order_.atomic(0, &other_counter);
  order_.begin_block(3, kThreads);
  order_.atomic(1, &other_counter);
  order_.fence(1);
  EXPECT_TRUE(order_.is_past(before, 1));
}

}  // namespace
}  // namespace emulator::races
