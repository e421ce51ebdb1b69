// Steps as graphs, by kernels of one node each.
#include "cuda/step_graphs.h"

#include <gtest/gtest.h>

#include <functional>

#include "cuda/staging.h"
#include "emulator/counters.h"
#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "hourglass/core/error.h"

namespace hourglass::cuda {
namespace {

/// A kind of its own for each factor: an update does not change a kernel.
template <int kFactor>
__global__ void add(int* sum, int value) {
  *sum += kFactor * value;
}

class StepGraphsTest : public testing::Test {
 protected:
  StepGraphsTest() { step(add<1>, 0); }  // the first one is no graph

  /// As StepScope does.
  struct Scope {
    explicit Scope(StepGraphs& of) : graphs(&of) { of.begin(); }
    ~Scope() noexcept(false) { graphs->end(); }
    StepGraphs* graphs;
  };
  void step(void (*kernel)(int*, int), int value) {
    const Scope scope(graphs_);
    emulator::launch(kernel, 1, 1, 0, stream_.get(), sum_.get(), value);
  }
  int sum() {
    cudaStreamSynchronize(stream_.get());
    return sum_.values()[0];
  }
  emulator::Counters made() const { return emulator::counters() - mark_; }

  Stream stream_ = make_stream();
  StepGraphs graphs_{stream_.get()};
  emulator::DeviceArray<int> sum_{1, 0};
  emulator::Counters mark_ = emulator::counters();
};

TEST_F(StepGraphsTest, KindsOfAsManyNodesTakeTurnsWithoutANewGraph) {
  int want = 0;
  for (int i = 0; i < 10; ++i) {
    step(add<1>, i);
    step(add<10>, i);
    step(add<10>, i);
    step(add<100>, i);
    want += 121 * i;
  }
  EXPECT_EQ(sum(), want);
  EXPECT_EQ(made().graph_launches, 40);
  EXPECT_EQ(made().graph_instantiations, 3);
}

TEST_F(StepGraphsTest, OfManyKindsTheOldestGoes) {
  for (int i = 0; i < 3; ++i) {
    for (const auto kernel : {add<1>, add<2>, add<3>, add<4>, add<5>, add<6>}) step(kernel, 1);
  }
  EXPECT_EQ(sum(), 3 * 21);
  EXPECT_EQ(made().graph_instantiations, 18);
}

TEST_F(StepGraphsTest, OfAStepThatThrowsNothingIsLaunched) {
  const auto throwing_step = [&] {
    const Scope scope(graphs_);
    emulator::launch(add<1>, 1, 1, 0, stream_.get(), sum_.get(), 1);
    throw Error("the second operation does not like its arguments");
  };
  EXPECT_THROW(throwing_step(), Error);
  EXPECT_EQ(sum(), 0);
  EXPECT_EQ(made().graph_launches, 0);
  step(add<1>, 1);
  EXPECT_EQ(sum(), 1);
}

// A step may be taken while an exception is on its way: by a destructor, say.
TEST_F(StepGraphsTest, AStepWithinAnUnwindingIsOne) {
  struct AtTheEnd {
    ~AtTheEnd() { act(); }
    std::function<void()> act;
  };
  const auto throwing = [&] {
    const AtTheEnd at_the_end{[&] { step(add<1>, 1); }};
    throw Error("something else");
  };
  EXPECT_THROW(throwing(), Error);
  EXPECT_EQ(sum(), 1);
}

TEST_F(StepGraphsTest, ACopyWithinAStepThrows) {
  Staging staging(stream_.get());
  const auto copy_within_step = [&](auto copy) {
    const Scope scope(graphs_);
    emulator::launch(add<1>, 1, 1, 0, stream_.get(), sum_.get(), 1);
    copy();
  };
  int value = 5;
  EXPECT_THROW(copy_within_step([&] { staging.copy_in(sum_.get(), &value, sizeof value); }), Error);
  EXPECT_THROW(copy_within_step([&] { staging.copy_out(&value, sum_.get(), sizeof value); }),
               Error);
  EXPECT_EQ(sum(), 0);
  staging.copy_in(sum_.get(), &value, sizeof value);
  staging.copy_out(&value, sum_.get(), sizeof value);
  EXPECT_EQ(value, 5);
}

}  // namespace
}  // namespace hourglass::cuda
