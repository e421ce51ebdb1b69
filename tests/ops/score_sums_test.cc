#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct ScoreSumsCase {
  HostMatrix scores;
  float threshold = 0;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(scores.n_rows) + " rows, " + std::to_string(scores.width) + " columns";
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(ScoreSums{.scores = memory.matrix("scores", scores, Access::kRead),
                          .n_rows = scores.n_rows,
                          .n_columns = scores.width,
                          .threshold = threshold,
                          .squares = memory.written<double>("squares", scores.n_rows),
                          .n_above = memory.written<std::int64_t>("n_above", scores.n_rows)});
    return memory.finish();
  }
};

struct PickCellsCase {
  HostMatrix scores;
  HostBatch cells;  // as a sparse matrix; rows of it are not the operation's
  std::int64_t first_row = 0;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(scores.n_rows) + " rows from " + std::to_string(first_row) + ", " +
           std::to_string(scores.width) + " columns";
  }
  std::int64_t offset(std::int64_t row) const {
    return cells.row_offsets[static_cast<std::size_t>(first_row + row)];
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(
        PickCells{.scores = memory.matrix("scores", scores, Access::kRead),
                  .n_rows = scores.n_rows,
                  .cells = memory.ratings(cells),
                  .first_row = first_row,
                  .values = memory.written<float>("values", offset(scores.n_rows) - offset(0))});
    return memory.finish();
  }
};

struct Size {
  std::int64_t n_rows, n_columns;
};
const std::vector<Size> kRagged = {{0, 5},   {5, 0},    {1, 1},    {3, 31},   {33, 32}, {2, 33},
                                   {127, 7}, {31, 127}, {7, 1031}, {1031, 2}, {2, 4193}};

template <class Case>
std::vector<Case> cases(Values values) {
  std::vector<Case> all;
  for (const auto& [n_rows, n_columns] : kRagged) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    Case c;
    c.scores = random_matrix(numbers, n_rows, n_columns, 5);
    c.extra_stride = i % 4 == 3 ? 16 : static_cast<std::int64_t>(i) % 2;  // rows not aligned
    if constexpr (std::is_same_v<Case, PickCellsCase>) {
      c.cells = random_batch(numbers, n_rows, n_columns, i % 2 == 0);
      c.first_row = static_cast<std::int64_t>(i) % 3;
    } else {
      c.threshold = i % 2 == 0 ? 2 : -1;
    }
    all.push_back(c);
  }
  return all;
}

class ScoreSumsTest : public OperationTest {};

TEST_P(ScoreSumsTest, IntegersAreExact) {
  for (const auto& c : cases<ScoreSumsCase>(Values::kIntegers)) expect_exact(c);
}

TEST_P(ScoreSumsTest, RealsAreWithinRounding) {
  for (const auto& c : cases<ScoreSumsCase>(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results want = c.run(reference());
    Results bound;
    for (const double squares : want.at("squares")) {  // all terms are positive
      bound["squares"].push_back(std::numeric_limits<double>::epsilon() *
                                 (4 + std::sqrt(static_cast<double>(c.scores.width))) * squares);
    }
    bound["n_above"].assign(want.at("n_above").size(), 0);
    expect_within(c.run(backend()), want, bound);
  }
}

TEST_P(ScoreSumsTest, GivesTheSameBitsAgain) {
  for (const auto& c : cases<ScoreSumsCase>(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(ScoreSumsTest, WorkedByHand) {
  const ScoreSumsCase c{HostMatrix(2, 3, {1, -2, 0.5F, 3, 0.25F, 0.5F}), 0.25F};
  EXPECT_EQ(c.run(backend()), (Results{{"squares", {5.25, 9.3125}}, {"n_above", {2, 2}}}));
}

// A score that is not finite must show in its row's sum, wherever it stands.
TEST_P(ScoreSumsTest, WhatIsNotFiniteReachesTheSum) {
  for (const std::int64_t column : {0, 7, 16, 34}) {
    for (const float broken : {NAN, INFINITY}) {
      ScoreSumsCase c{HostMatrix(2, 35, 1)};
      c.scores.at(1, column) = broken;
      const Results results = c.run(backend());
      EXPECT_EQ(results.at("squares")[0], 35);
      EXPECT_FALSE(std::isfinite(results.at("squares")[1])) << column;
    }
  }
}

HOURGLASS_ON_EVERY_BACKEND(ScoreSumsTest);

class PickCellsTest : public OperationTest {};

TEST_P(PickCellsTest, PicksTheScores) {
  for (const auto& c : cases<PickCellsCase>(Values::kReals)) {
    SCOPED_TRACE(c.name());
    std::vector<double> want;
    for (std::int64_t r = 0; r < c.scores.n_rows; ++r) {
      for (auto e = c.offset(r); e < c.offset(r + 1); ++e) {
        want.push_back(c.scores.at(r, c.cells.columns[static_cast<std::size_t>(e)]));
      }
    }
    EXPECT_EQ(c.run(backend()).at("values"), want);
  }
}

TEST_P(PickCellsTest, WorkedByHand) {
  PickCellsCase c;
  c.cells.n_columns = 3;
  c.cells.add_row({{1, 9}});
  c.cells.add_row({});
  c.cells.add_row({{0, 9}, {2, 9}});
  c.cells.add_row({{1, 9}});
  c.scores = HostMatrix(2, 3, {1, 2, 3, 4, 5, 6});
  c.first_row = 2;
  EXPECT_EQ(c.run(backend()).at("values"), (std::vector<double>{1, 3, 5}));
}

HOURGLASS_ON_EVERY_BACKEND(PickCellsTest);

}  // namespace
}  // namespace hourglass::ops_test
