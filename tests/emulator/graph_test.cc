// What a stream is given while it is captured, and what CUDA forbids in that time.
#include <gtest/gtest.h>

#include <vector>

#include "emulator/counters.h"
#include "emulator/device_array.h"
#include "emulator/emulator.h"

namespace emulator {
namespace {

__global__ void add(int* sum, int value) { sum[0] += value; }
__global__ void subtract(int* sum, int value) { sum[0] -= value; }

class GraphTest : public testing::Test {
 protected:
  GraphTest() { cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  ~GraphTest() override {
    cudaGetLastError();
    cudaStreamDestroy(stream_);
  }

  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_EQ(cudaStreamBeginCapture(stream_, mode), cudaSuccess);
  }
  /// A graph of one kernel with one argument.
  cudaGraph_t captured(void (*kernel)(int*, int), int value) {
    begin();
    launch(kernel, 1, 1, 0, stream_, sum_.get(), value);
    return end();
  }
  cudaGraph_t end() {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    return graph;
  }
  /// The capture is over, and has come to nothing.
  void expect_invalidated() {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    cudaStreamIsCapturing(stream_, &status);
    EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(launch(add, 1, 1, 0, stream_, sum_.get(), 1), cudaErrorStreamCaptureInvalidated);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
    cudaStreamIsCapturing(stream_, &status);
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  }
  int sum() {
    cudaStreamSynchronize(stream_);
    return sum_.values()[0];
  }

  cudaStream_t stream_ = nullptr;
  DeviceArray<int> sum_{1, 0};
};

TEST_F(GraphTest, RunsWhatWasCapturedAsOftenAsItIsLaunched) {
  begin();
  launch(add, 1, 1, 0, stream_, sum_.get(), 1);
  launch(add, 1, 1, 0, stream_, sum_.get(), 10);
  cudaMemsetAsync(sum_.get(), 0, 0, stream_);
  cudaGraph_t graph = end();
  std::size_t n_nodes = 0;
  cudaGraphGetNodes(graph, nullptr, &n_nodes);
  EXPECT_EQ(n_nodes, 3U);
  EXPECT_EQ(sum(), 0) << "capturing runs nothing";
  cudaGraphExec_t executable = nullptr;
  const Counters mark = counters();
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  cudaGraphDestroy(graph);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  EXPECT_EQ((counters() - mark).graph_launches, 3);
  EXPECT_EQ((counters() - mark).graph_instantiations, 1);
  EXPECT_EQ((counters() - mark).kernel_launches, 0);
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess) << "and what was launched runs";
  EXPECT_EQ(sum(), 33);
}

TEST_F(GraphTest, AnUpdateChangesArgumentsOfLaterLaunches) {
  cudaGraph_t ones = captured(add, 1), tens = captured(add, 10);
  cudaGraphExec_t executable = nullptr;
  cudaGraphInstantiate(&executable, ones, 0);
  cudaGraphLaunch(executable, stream_);
  cudaGraphExecUpdateResultInfo info = {};
  EXPECT_EQ(cudaGraphExecUpdate(executable, tens, &info), cudaSuccess);
  EXPECT_EQ(info.result, cudaGraphExecUpdateSuccess);
  cudaGraphLaunch(executable, stream_);
  EXPECT_EQ(sum(), 11) << "what was launched before keeps its arguments";
  cudaGraphDestroy(ones);
  cudaGraphDestroy(tens);
  cudaGraphExecDestroy(executable);
}

TEST_F(GraphTest, AnUpdateMayNotChangeWhatTheNodesAre) {
  cudaGraph_t one = captured(add, 1), other = captured(subtract, 1);
  begin();
  cudaMemsetAsync(sum_.get(), 0, sizeof(int), stream_);
  cudaGraph_t fill = end();
  begin();
  launch(add, 1, 1, 0, stream_, sum_.get(), 1);
  launch(add, 1, 1, 0, stream_, sum_.get(), 1);
  cudaGraph_t two = end();
  cudaGraphExec_t executable = nullptr;
  cudaGraphInstantiate(&executable, one, 0);
  cudaGraphExecUpdateResultInfo info = {};
  EXPECT_EQ(cudaGraphExecUpdate(executable, other, &info), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(info.result, cudaGraphExecUpdateErrorFunctionChanged);
  EXPECT_EQ(cudaGraphExecUpdate(executable, fill, &info), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(info.result, cudaGraphExecUpdateErrorNodeTypeChanged);
  EXPECT_EQ(cudaGraphExecUpdate(executable, two, &info), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(info.result, cudaGraphExecUpdateErrorTopologyChanged);
  cudaGraphLaunch(executable, stream_);
  EXPECT_EQ(sum(), 1) << "a refused update leaves it as it was";
  for (cudaGraph_t graph : {one, other, fill, two}) cudaGraphDestroy(graph);
  cudaGraphExecDestroy(executable);
}

TEST_F(GraphTest, WaitingForTheStreamInvalidatesItsCapture) {
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(GraphTest, WaitingForTheDeviceAllocatingAndFreeingInvalidateIt) {
  begin();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
  begin();
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
  begin();
  EXPECT_EQ(cudaFree(nullptr), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(GraphTest, ARelaxedCaptureMayAllocate) {
  begin(cudaStreamCaptureModeRelaxed);
  { const DeviceArray<int> unused(1); }
  cudaGraphDestroy(end());
}

TEST_F(GraphTest, TheDefaultStreamMayNotWaitForACapture) {
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
  cudaStream_t blocking = nullptr;
  cudaStreamCreate(&blocking);
  cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(launch(add, 1, 1, 0, nullptr, sum_.get(), 1), cudaErrorStreamCaptureImplicit);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaErrorStreamCaptureInvalidated);
  cudaStreamDestroy(blocking);
}

TEST_F(GraphTest, BeginningAndEndingInTurn) {
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorIllegalState);
  begin();
  EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  cudaGraphDestroy(end());
}

TEST_F(GraphTest, EventsOfACaptureAreItsOwn) {
  cudaEvent_t inside = nullptr, before = nullptr;
  cudaEventCreate(&inside);
  cudaEventCreate(&before);
  cudaEventRecord(before, stream_);
  begin();
  cudaEventRecord(inside, stream_);
  EXPECT_EQ(cudaStreamWaitEvent(stream_, inside, 0), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(inside), cudaErrorCapturedEvent);
  expect_invalidated();
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(stream_, before, 0), cudaErrorStreamCaptureIsolation);
  expect_invalidated();
  cudaEventDestroy(inside);
  cudaEventDestroy(before);
}

TEST_F(GraphTest, MemoryIsReadWhenTheGraphRuns) {
  int pageable = 1;
  begin();
  cudaMemcpyAsync(sum_.get(), &pageable, sizeof(int), cudaMemcpyHostToDevice, stream_);
  cudaGraph_t graph = end();
  cudaGraphExec_t executable = nullptr;
  cudaGraphInstantiate(&executable, graph, 0);
  pageable = 2;
  cudaGraphLaunch(executable, stream_);
  EXPECT_EQ(sum(), 2);
  cudaGraphDestroy(graph);
  cudaGraphExecDestroy(executable);
}

using GraphDeathTest = GraphTest;

TEST_F(GraphDeathTest, WhatIsNotModelledIsNamed) {
  cudaEvent_t event = nullptr;
  cudaStream_t other = nullptr;
  cudaEventCreate(&event);
  cudaStreamCreate(&other);
  begin();
  cudaEventRecord(event, stream_);
  EXPECT_DEATH(cudaStreamWaitEvent(other, event, 0), "more than one stream is not modelled");
  EXPECT_DEATH(cudaStreamDestroy(stream_), "being captured");
  cudaGraph_t graph = end();
  cudaGraphExec_t executable = nullptr;
  EXPECT_DEATH(cudaGraphInstantiate(&executable, graph, 1), "flags 1 are not modelled");
  cudaGraphDestroy(graph);
  cudaEventDestroy(event);
  cudaStreamDestroy(other);
}

}  // namespace
}  // namespace emulator
