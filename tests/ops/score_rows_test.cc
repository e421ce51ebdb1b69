#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct ScoreRowsCase {
  HostMatrix hidden;  // one row where they are alike
  HostMatrix weight;
  std::int64_t n_rows = 0;
  std::int64_t k = 0;
  float threshold = -1;
  bool ranks = true, sums = true, excludes = true;
  HostBatch cells;  // excluded and, twice, picked
  std::int64_t first_row = 0;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(n_rows) + " rows, " + std::to_string(weight.n_rows) + " columns, width " +
           std::to_string(weight.width) + ", k " + std::to_string(k);
  }
  bool alike() const { return hidden.n_rows < n_rows; }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    const CsrPtr ratings = memory.ratings(cells);
    ScoreRows op;
    op.product = {.hidden = memory.matrix("hidden", hidden, Access::kRead),
                  .weight = memory.matrix("weight", weight, Access::kRead),
                  .n_rows = n_rows,
                  .n_columns = weight.n_rows,
                  .width = weight.width,
                  .out = {}};
    if (alike()) op.product.hidden.stride = 0;
    if (backend.forms_scores()) {
      const std::int64_t stride = padded(weight.n_rows);
      op.product.out = {memory.scratch<float>("scores", n_rows * stride), stride};
    }
    if (ranks) {
      if (excludes) op.top.excluded = ratings;
      op.top.first_row = first_row;
      op.top.threshold = threshold;
      op.top.k = k;
      op.top.columns = memory.written<std::int32_t>("columns", n_rows * k);
      op.top.values = memory.written<float>("values", n_rows * k);
      op.top.counts = memory.written<std::int32_t>("counts", n_rows);
      op.top.scratch = memory.scratch<std::uint64_t>("scratch", select_top_scratch(n_rows, k));
    }
    if (sums) {
      op.sums.threshold = threshold;
      op.sums.squares = memory.written<double>("squares", n_rows);
      op.sums.n_above = memory.written<std::int64_t>("n_above", n_rows);
    }
    const auto at = [&](std::int64_t row) {
      return cells.row_offsets[static_cast<std::size_t>(row)];
    };
    for (const std::size_t i : {0U, 2U}) {
      const std::int64_t first = i == 0 ? first_row : 0;
      op.picks[i].cells = ratings;
      op.picks[i].first_row = first;
      op.picks[i].values =
          memory.written<float>("picked " + std::to_string(i), at(first + n_rows) - at(first));
    }
    backend.run(op);
    return memory.finish();
  }
};

std::vector<ScoreRowsCase> cases(Values values) {
  struct Size {
    std::int64_t n_rows, n_columns, width, k;
  };
  std::vector<ScoreRowsCase> all;
  // 1,024 columns are a chunk of the CPU's; 20,000 are 16 of them, some wider.
  for (const auto& [n_rows, n_columns, width, k] :
       {Size{1, 1, 1, 1}, Size{3, 31, 2, 5}, Size{49, 32, 17, 32}, Size{5, 33, 3, 40},
        Size{127, 1023, 5, 10}, Size{2, 1024, 33, 2000}, Size{48, 1025, 4, 1}, Size{7, 3001, 2, 10},
        Size{2, 20000, 3, 7}, Size{1, 20011, 2, 20011}, Size{3, 0, 2, 2}, Size{0, 5, 2, 2},
        Size{3, 5, 4, 0}, Size{60, 500, 4, 0}, Size{100, 40, 3, 6}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    ScoreRowsCase c;
    c.n_rows = n_rows;
    c.k = k;
    c.hidden =
        random_matrix(numbers, i % 4 == 3 ? std::min<std::int64_t>(n_rows, 1) : n_rows, width);
    c.weight = random_matrix(numbers, n_columns, width, 3);
    if (width > 2) make_idle(c.hidden, 1);
    c.ranks = i % 5 != 1;
    c.sums = i % 3 != 1;
    c.excludes = i % 2 == 0;
    c.cells = random_batch(numbers, n_rows, n_columns, i % 2 == 0);
    c.first_row = static_cast<std::int64_t>(i) % 3;
    c.extra_stride = static_cast<std::int64_t>(i) % 2;  // rows not aligned
    all.push_back(c);
  }
  return all;
}

class ScoreRowsTest : public OperationTest {};

// The reference runs the parts, one after the other, each of which has tests of its own.
TEST_P(ScoreRowsTest, IsItsParts) {
  for (const auto& c : cases(Values::kIntegers)) expect_exact(c);
}

TEST_P(ScoreRowsTest, RealsAreWithinRounding) {
  for (ScoreRowsCase c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    c.ranks = false;     // close scores may change places
    c.threshold = 1000;  // nor may one be above in one way alone
    ScoreRowsCase absolute = c;
    for (float& x : absolute.hidden.values) x = std::abs(x);
    for (float& x : absolute.weight.values) x = std::abs(x);
    const Results want = c.run(reference()), magnitudes = absolute.run(reference());
    Results bound;
    for (const auto& [name, values] : magnitudes) {
      // A square is twice as far off as its root, over its value.
      const double terms =
          name == "squares" ? 3 * rounding(c.weight.width) : rounding(c.weight.width);
      for (const double x : values) bound[name].push_back(name == "n_above" ? 0 : terms * x);
    }
    expect_within(c.run(backend()), want, bound);
  }
}

TEST_P(ScoreRowsTest, GivesTheSameBitsAgain) {
  for (const auto& c : cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(ScoreRowsTest, WorkedByHand) {
  ScoreRowsCase c;
  c.hidden = HostMatrix(2, 2, {1, 1, 2, -1});
  c.weight = HostMatrix(3, 2, {1, 0, 0, 3, 2, 2});  // scores: 1 3 4; 2 -3 2
  c.n_rows = 2;
  c.k = 2;
  c.cells.n_columns = 3;
  c.cells.add_row({{1, 9}});
  c.cells.add_row({{0, 9}, {2, 9}});
  EXPECT_EQ(c.run(backend()), (Results{{"columns", {2, 0, -1, -1}},
                                       {"values", {4, 1, -INFINITY, -INFINITY}},
                                       {"counts", {2, 0}},
                                       {"squares", {26, 17}},
                                       {"n_above", {3, 2}},
                                       {"picked 0", {3, 2, 2}},
                                       {"picked 2", {3, 2, 2}}}));
}

HOURGLASS_ON_EVERY_BACKEND(ScoreRowsTest);

}  // namespace
}  // namespace hourglass::ops_test
