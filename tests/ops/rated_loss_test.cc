#include <bit>
#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct RatedLossCase {
  HostBatch batch;
  HostMatrix hidden, weight;  // [batch x width], [n_columns x width]
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_entries()) +
           " ratings, " + std::to_string(batch.n_columns) + " columns, width " +
           std::to_string(weight.width);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    const std::int64_t n = batch.n_entries();
    backend.run(RatedLoss{
        .batch = memory.batch(batch),
        .row_begin = memory.array("row_begin", HostColumns(batch).row_begin, Access::kRead),
        .hidden = memory.matrix("hidden", hidden, Access::kRead),
        .weight = memory.matrix("weight", weight, Access::kRead),
        .width = weight.width,
        .n_ratings = n,
        .errors = memory.written<float>("errors", n),
        .grad_hidden = memory.loosely_padded("grad_hidden", batch.size(), weight.width - 1),
        .scratch = memory.scratch<float>("scratch", rated_scratch(n, batch.size(), weight.width)),
        .row_sums = memory.scratch<double>("row_sums", batch.size()),
        .loss = memory.written<double>("loss", 1)});
    return memory.finish();
  }
  /// h . w - x with every term positive.
  RatedLossCase magnitudes() const {
    RatedLossCase c = *this;
    c.batch.values = absolute(batch.values, -1);
    c.hidden = absolute(hidden);
    c.weight = absolute(weight);
    return c;
  }
};

/// Without the last entries of the last rows: as many ratings as a power of two, so that 2 / n is
/// exact.
HostBatch with_power_of_two_entries(const HostBatch& batch) {
  HostBatch out;
  out.n_columns = batch.n_columns;
  auto left =
      static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(batch.n_entries())));
  for (std::int64_t b = 0; b < batch.size(); ++b) {
    std::vector<std::pair<std::int32_t, float>> entries;
    for (std::int64_t e = batch.begin(b); e < batch.end(b) && left > 0; ++e, --left) {
      entries.emplace_back(batch.columns[static_cast<std::size_t>(e)],
                           batch.values[static_cast<std::size_t>(e)]);
    }
    out.add_row(entries);
    out.rows.push_back(static_cast<std::int32_t>(b));
  }
  return out;
}

std::vector<RatedLossCase> cases(Values values) {
  struct Size {
    std::int64_t batch, n_columns, width;
  };
  std::vector<RatedLossCase> all;
  for (const auto [batch, n_columns, width] :
       {Size{1, 1, 1}, Size{31, 127, 33}, Size{32, 257, 127}, Size{33, 1031, 31},
        Size{127, 32, 257}, Size{257, 31, 32}, Size{3, 33, 1031}, Size{1031, 33, 2},
        Size{6, 40, 128}, Size{7, 40, 129}, Size{9, 20, 16}, Size{9, 20, 17}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    RatedLossCase c;
    c.batch = random_batch(numbers, batch, n_columns, i % 2 == 0);
    c.hidden = with_ones(random_matrix(numbers, batch, width - 1));
    c.weight = random_matrix(numbers, n_columns, width);
    c.extra_stride = i % 4 == 3 ? 16 : 0;
    all.push_back(c);
  }
  return all;
}

class RatedLossTest : public OperationTest {};

TEST_P(RatedLossTest, IntegersAreExact) {
  for (RatedLossCase c : cases(Values::kIntegers)) {
    c.batch = with_power_of_two_entries(c.batch);
    const Results magnitudes = c.magnitudes().run(reference());
    expect_largest_is_exact({{"errors", magnitudes.at("errors")}});
    const double n = static_cast<double>(c.batch.n_entries());
    for (const double x : magnitudes.at("grad_hidden")) ASSERT_TRUE(x * n / 2 <= kExactIntegers);
    expect_exact(c);
  }
}

TEST_P(RatedLossTest, RealsAreWithinRounding) {
  for (const RatedLossCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    Results bound = c.magnitudes().run(reference());
    const double error = rounding(c.weight.width + 1);  // of e, over the sum of its magnitudes
    for (double& x : bound.at("errors")) x *= error;
    for (double& x : bound.at("loss")) x *= 2 * error + error * error;
    std::vector<double>& grad = bound.at("grad_hidden");
    const std::size_t width = static_cast<std::size_t>(c.weight.width - 1);
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const auto b = static_cast<std::int64_t>(i / width);
      grad[i] *= error + rounding(c.batch.end(b) - c.batch.begin(b));
    }
    expect_within(c.run(backend()), c.run(reference()), bound);
  }
}

TEST_P(RatedLossTest, GivesTheSameBitsAgain) {
  for (const RatedLossCase& c : cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(RatedLossTest, WorkedByHand) {
  RatedLossCase c;
  c.batch.n_columns = 3;
  c.batch.add_row({{0, 4}, {2, 1}});
  c.batch.add_row({});
  c.batch.add_row({{2, -2}, {1, 5}});
  c.batch.rows = {2, 1, 0};
  c.hidden = HostMatrix(3, 2, {1, 1, 7, 1, 2, 1});
  c.weight = HostMatrix(3, 2, {1, 0, 3, 0, -1, 2});
  // Row 0 of the batch: outputs 1 (column 2) and 3; row 2: outputs 2 and 0.
  EXPECT_EQ(c.run(backend()), (Results{{"errors", {3, -2, -2, -1}},
                                       {"grad_hidden", {0.5 * (-3 - 6), 0, 0.5 * (-2 + 1)}},
                                       {"loss", {(9 + 4 + 4 + 1) / 4.0}}}));
}

HOURGLASS_ON_EVERY_BACKEND(RatedLossTest);

}  // namespace
}  // namespace hourglass::ops_test
