// When a stream's work is done: not before somebody waits for it, and in the order that streams and
// events give.
#include <gtest/gtest.h>

#include <vector>

#include "emulator/counters.h"
#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "emulator/random_order.h"

namespace emulator {
namespace {

__global__ void append(int* log, int value) { log[++log[0]] = value; }

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() {
    cudaStreamCreateWithFlags(&one_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking);
    cudaStreamCreate(&blocking_);
  }
  ~StreamsTest() override {
    for (cudaStream_t stream : {one_, other_, blocking_}) cudaStreamDestroy(stream);
  }

  void append_in(cudaStream_t stream, int value) {
    ASSERT_EQ(launch(append, 1, 1, 0, stream, log_.get(), value), cudaSuccess);
  }
  std::vector<int> logged() {
    cudaDeviceSynchronize();
    const std::vector<int> log = log_.values();
    return std::vector<int>(log.begin() + 1, log.begin() + 1 + log[0]);
  }

  cudaStream_t one_ = nullptr, other_ = nullptr, blocking_ = nullptr;
  DeviceArray<int> log_{32, 0};
};

TEST_F(StreamsTest, AStreamKeepsItsOrder) {
  for (int i = 0; i < 20; ++i) append_in(one_, i);
  std::vector<int> want;
  for (int i = 0; i < 20; ++i) want.push_back(i);
  EXPECT_EQ(logged(), want);
}

TEST_F(StreamsTest, NothingIsDoneBeforeSomebodyWaits) {
  if (random_order()) GTEST_SKIP() << "skipped: in a random order it may be";
  void* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, sizeof(int)), cudaSuccess);
  auto* const result = static_cast<int*>(pinned);
  *result = 7;
  append_in(one_, 1);
  cudaMemcpyAsync(result, log_.get(), sizeof(int), cudaMemcpyDeviceToHost, one_);
  cudaStreamSynchronize(other_);
  EXPECT_EQ(*result, 7);
  cudaStreamSynchronize(one_);
  EXPECT_EQ(*result, 1);
  cudaFreeHost(pinned);
}

TEST_F(StreamsTest, AnEventOrdersTwoStreams) {
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  append_in(one_, 1);
  cudaEventRecord(event, one_);
  cudaStreamWaitEvent(other_, event, 0);
  append_in(other_, 2);
  cudaStreamSynchronize(other_);
  EXPECT_EQ(logged(), (std::vector<int>{1, 2}));
  cudaEventDestroy(event);
}

TEST_F(StreamsTest, AnEventOfTheOtherStreamAloneMakesTheHostWait) {
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess) << "never recorded: at once";
  append_in(one_, 1);
  cudaEventRecord(event, one_);
  append_in(one_, 2);
  if (!random_order()) {
    EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  }
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  cudaEventDestroy(event);
  EXPECT_EQ(logged(), (std::vector<int>{1, 2}));
}

TEST_F(StreamsTest, AskingAnEventLongEnoughIsWaiting) {
  cudaEvent_t event = nullptr;
  cudaEventCreate(&event);
  for (int i = 0; i < 5; ++i) append_in(one_, i);
  cudaEventRecord(event, one_);
  int n_asked = 0;
  while (cudaEventQuery(event) == cudaErrorNotReady) ASSERT_LT(++n_asked, 1000);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "not ready is no error to remember";
  cudaEventDestroy(event);
}

TEST_F(StreamsTest, EventsTellTheTimeBetweenThem) {
  cudaEvent_t begin = nullptr, end = nullptr, untimed = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, end), cudaErrorInvalidResourceHandle);
  cudaEventRecord(begin, one_);
  append_in(one_, 1);
  cudaEventRecord(end, one_);
  cudaEventRecord(untimed, one_);
  cudaStreamSynchronize(one_);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, begin, untimed), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
  for (cudaEvent_t event : {begin, end, untimed}) cudaEventDestroy(event);
}

TEST_F(StreamsTest, TheDefaultStreamWaitsForBlockingOnesAndTheyForIt) {
  append_in(blocking_, 1);
  append_in(nullptr, 2);
  append_in(blocking_, 3);
  cudaStreamSynchronize(blocking_);
  EXPECT_EQ(logged(), (std::vector<int>{1, 2, 3}));
}

TEST_F(StreamsTest, TheDefaultStreamDoesNotWaitForNonBlockingOnes) {
  if (random_order()) GTEST_SKIP() << "skipped: in a random order it may come to it";
  append_in(one_, 1);
  append_in(nullptr, 2);
  cudaStreamSynchronize(nullptr);
  EXPECT_EQ(logged(), (std::vector<int>{2, 1}));
}

TEST_F(StreamsTest, WhatADestroyedStreamWasGivenIsDone) {
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  append_in(stream, 1);
  cudaStreamDestroy(stream);
  EXPECT_EQ(logged(), (std::vector<int>{1}));
}

TEST_F(StreamsTest, PageableMemoryIsReadAtTheCallAndPinnedMemoryInItsTurn) {
  if (random_order()) GTEST_SKIP() << "skipped: in a random order its turn may be at once";
  void* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(int));
  int pageable = 1;
  *static_cast<int*>(pinned) = 1;
  const DeviceArray<int> values(2);
  cudaMemcpyAsync(values.get(), &pageable, sizeof(int), cudaMemcpyHostToDevice, one_);
  cudaMemcpyAsync(values.get() + 1, pinned, sizeof(int), cudaMemcpyHostToDevice, one_);
  pageable = *static_cast<int*>(pinned) = 2;
  cudaStreamSynchronize(one_);
  EXPECT_EQ(values.values(), (std::vector<int>{1, 2}));
  cudaFreeHost(pinned);
}

TEST_F(StreamsTest, ACopyToPageableMemoryWaits) {
  append_in(one_, 5);
  int n = 0;
  const Counters mark = counters();
  cudaMemcpyAsync(&n, log_.get(), sizeof n, cudaMemcpyDeviceToHost, one_);
  EXPECT_EQ(n, 1);
  EXPECT_EQ((counters() - mark).host_synchronisations, 1);
}

TEST_F(StreamsTest, CountsWhatWasAskedFor) {
  void* pinned = nullptr;
  cudaMallocHost(&pinned, 64);
  const Counters mark = counters();
  {
    const DeviceArray<int> values(1);
    append_in(one_, 1);
    append_in(one_, 2);
    cudaMemsetAsync(values.get(), 0, sizeof(int), one_);
    cudaMemcpyAsync(pinned, values.get(), sizeof(int), cudaMemcpyDeviceToHost, one_);
    enqueue(
        one_, [] {}, "nothing");
    const Counters before_waiting = counters() - mark;
    EXPECT_EQ(before_waiting.host_synchronisations, 0);
    cudaStreamSynchronize(one_);
  }
  const Counters made = counters() - mark;
  EXPECT_EQ(made.allocations, 1);
  EXPECT_EQ(made.kernel_launches, 2);
  EXPECT_EQ(made.library_launches, 1);
  EXPECT_EQ(made.copies, 2);
  EXPECT_EQ(made.graph_launches, 0);
  EXPECT_EQ(made.host_synchronisations, 2) << "the stream's, and cudaFree's";
  cudaFreeHost(pinned);
}

using StreamsDeathTest = StreamsTest;

TEST_F(StreamsDeathTest, AHandleThatIsNoneIsNamed) {
  cudaStream_t stream = nullptr;
  cudaStreamCreate(&stream);
  cudaStreamDestroy(stream);
  EXPECT_DEATH(cudaStreamSynchronize(stream), "cudaStreamSynchronize.*no stream");
  EXPECT_DEATH(cudaEventDestroy(reinterpret_cast<cudaEvent_t>(one_)), "no event");
}

TEST_F(StreamsDeathTest, WorkOfAStreamMayNotCallTheRuntime) {
  EXPECT_DEATH(
      {
        enqueue(
            one_, [] { cudaDeviceSynchronize(); }, "nested");
        cudaStreamSynchronize(one_);
      },
      "cudaDeviceSynchronize is called during .*by work of a stream");
}

}  // namespace
}  // namespace emulator
