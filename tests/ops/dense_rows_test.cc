#include <stdexcept>
#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct DenseRowsCase {
  HostBatch batch;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) + " columns";
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(DenseRows{.batch = memory.batch(batch),
                          .out = memory.written("out", batch.size(), batch.n_columns + 1)});
    return memory.finish();
  }
};

class DenseRowsTest : public OperationTest {
 protected:
  void SetUp() override {
    if (backend().takes_dense_input()) return;
    EXPECT_THROW(backend().run(DenseRows{}), std::logic_error);
    GTEST_SKIP() << "not an operation of this backend";
  }
};

TEST_P(DenseRowsTest, AreTheRatingsAndAOne) {
  struct Size {
    std::int64_t batch, n_columns;
  };
  for (const auto [batch, n_columns] :
       {Size{0, 33}, Size{1, 1}, Size{3, 0}, Size{31, 127}, Size{32, 257}, Size{33, 1031},
        Size{127, 32}, Size{257, 15}, Size{5, 16}}) {
    Numbers numbers(static_cast<std::uint64_t>(batch + n_columns), Values::kReals);
    const DenseRowsCase c{random_batch(numbers, batch, n_columns, batch % 2 == 1),
                          batch % 3 == 0 ? 16 : 0};
    SCOPED_TRACE(c.name());
    const std::vector<float> want = with_ones(dense_batch(c.batch)).values;
    EXPECT_EQ(c.run(backend()).at("out"), std::vector<double>(want.begin(), want.end()));
    expect_bits_of_twins(c);
  }
}

HOURGLASS_ON_EVERY_BACKEND(DenseRowsTest);

}  // namespace
}  // namespace hourglass::ops_test
