#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct GatherCase {
  HostBatch batch;
  HostMatrix weight;
  std::int64_t bias_row = -1;
  bool relu = false, append_one = false;
  std::int64_t extra_stride = 0;
  bool own_values = false;  ///< the batch's values come in batch order, the ratings' own are NaN

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) +
           " columns, width " + std::to_string(weight.width) + (relu ? ", ReLU" : "") +
           (bias_row >= 0 ? ", bias" : "") + (append_one ? ", one" : "");
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    HostBatch ratings = batch;
    const HostColumns columns(batch);
    if (own_values) ratings.values.assign(ratings.values.size(), std::nanf(""));
    backend.run(GatherRows{
        .batch = memory.batch(ratings),
        .weight = memory.matrix("weight", weight, Access::kRead),
        .width = weight.width,
        .bias_row = bias_row,
        .relu = relu,
        .append_one = append_one,
        .out = memory.written("out", batch.size(), weight.width + (append_one ? 1 : 0)),
        .values = own_values ? memory.array("values", columns.values, Access::kRead) : Ptr<float>(),
        .row_begin = own_values ? memory.array("row_begin", columns.row_begin, Access::kRead)
                                : Ptr<std::int64_t>()});
    return memory.finish();
  }
  GatherCase magnitudes() const {
    GatherCase c = *this;
    c.batch.values = absolute(batch.values);
    c.weight = absolute(weight);
    return c;
  }
};

std::vector<GatherCase> cases(Values values) {
  struct Size {
    std::int64_t batch, n_columns, width;
  };
  std::vector<GatherCase> all;
  for (const auto [batch, n_columns, width] :
       {Size{0, 33, 5}, Size{1, 1, 1}, Size{31, 127, 33}, Size{32, 257, 127}, Size{33, 1031, 31},
        Size{127, 32, 257}, Size{257, 31, 32}, Size{5, 127, 1031}, Size{1031, 33, 1}, Size{3, 0, 7},
        Size{4, 50, 0}, Size{6, 40, 128}, Size{7, 40, 129}, Size{9, 20, 15}, Size{9, 20, 16},
        Size{9, 20, 17}, Size{8, 20, 64}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    GatherCase c;
    c.batch = random_batch(numbers, batch, n_columns, i % 2 == 0);
    c.bias_row = i % 3 == 0 ? -1 : n_columns;
    c.weight = random_matrix(numbers, n_columns + 1, width);
    c.relu = i % 4 > 1;
    c.append_one = i % 5 < 3;
    c.extra_stride = i % 6 == 5 ? 16 : 0;
    c.own_values = i % 3 == 1;
    all.push_back(c);
  }
  return all;
}

class GatherRowsTest : public OperationTest {};

TEST_P(GatherRowsTest, IntegersAreExact) {
  for (const GatherCase& c : cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
}

TEST_P(GatherRowsTest, RealsAreWithinRounding) {
  for (const GatherCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    Results bound = c.magnitudes().run(reference());
    std::vector<double>& out = bound.at("out");
    const std::size_t width = static_cast<std::size_t>(c.weight.width + (c.append_one ? 1 : 0));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto b = static_cast<std::int64_t>(i / width);
      const bool one = c.append_one && i % width == width - 1;
      out[i] *= one ? 0 : rounding(c.batch.end(b) - c.batch.begin(b) + 1);
    }
    expect_within(c.run(backend()), c.run(reference()), bound);
  }
}

TEST_P(GatherRowsTest, GivesTheSameBitsAgain) {
  for (const GatherCase& c : cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(GatherRowsTest, WorkedByHand) {
  GatherCase c;
  c.batch.n_columns = 3;
  c.batch.add_row({{0, 2}, {2, -1}});
  c.batch.add_row({});
  c.batch.add_row({{1, 3}});
  c.batch.rows = {2, 0, 1, 2};
  c.weight = HostMatrix(4, 2, {1, 10, -2, 20, 3, 30, 0.5, -100});
  EXPECT_EQ(c.run(backend()).at("out"), (std::vector<double>{-6, 60, -1, -10, 0, 0, -6, 60}));
  c.bias_row = 3;
  c.append_one = true;
  EXPECT_EQ(c.run(backend()).at("out"),
            (std::vector<double>{-5.5, -40, 1, -0.5, -110, 1, 0.5, -100, 1, -5.5, -40, 1}));
  c.relu = true;
  EXPECT_EQ(c.run(backend()).at("out"),
            (std::vector<double>{0, 0, 1, 0, 0, 1, 0.5, 0, 1, 0, 0, 1}));
  c.bias_row = 0;  // any row can be the bias
  EXPECT_EQ(c.run(backend()).at("out"),
            (std::vector<double>{0, 70, 1, 0, 0, 1, 1, 10, 1, 0, 70, 1}));
}

// ReLU must not hide that training has gone wrong: PyTorch's keeps NaN as well.
TEST_P(GatherRowsTest, ReluKeepsNaN) {
  GatherCase c;
  c.batch.n_columns = 1;
  c.batch.add_row({{0, 1}});
  c.batch.rows = {0};
  c.weight = HostMatrix(1, 3, {std::numeric_limits<float>::quiet_NaN(), -1, 1});
  c.relu = true;
  const std::vector<double> out = c.run(backend()).at("out");
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 0);
  EXPECT_EQ(out[2], 1);
}

HOURGLASS_ON_EVERY_BACKEND(GatherRowsTest);

}  // namespace
}  // namespace hourglass::ops_test
