#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct SelectTopCase {
  HostMatrix scores;
  std::int64_t k = 1;
  float threshold = -kInfinity;
  bool excludes = false;
  HostBatch excluded = {};  // as a sparse matrix; rows of it are not the operation's
  std::int64_t first_row = 0;
  std::int64_t extra_stride = 0;

  std::string name() const {
    return std::to_string(scores.n_rows) + " rows, " + std::to_string(scores.width) +
           " columns, k " + std::to_string(k) + ", threshold " + std::to_string(threshold) +
           (excludes ? ", some excluded" : "");
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    SelectTop op;
    op.scores = memory.matrix("scores", scores, Access::kRead);
    op.n_rows = scores.n_rows;
    op.n_columns = scores.width;
    if (excludes) op.excluded = memory.ratings(excluded);
    op.first_row = first_row;
    op.threshold = threshold;
    op.k = k;
    op.columns = memory.written<std::int32_t>("columns", scores.n_rows * k);
    op.values = memory.written<float>("values", scores.n_rows * k);
    op.counts = memory.written<std::int32_t>("counts", scores.n_rows);
    op.scratch = memory.scratch<std::uint64_t>("scratch", select_top_scratch(scores.n_rows, k));
    backend.run(op);
    return memory.finish();
  }
};

/// By a sort of all candidates. The scores of a row are taken as they are.
Results by_sorting(const SelectTopCase& c) {
  Results results;
  for (const char* name : {"columns", "values", "counts"}) results[name];
  for (std::int64_t r = 0; r < c.scores.n_rows; ++r) {
    std::vector<bool> is_candidate(static_cast<std::size_t>(c.scores.width), true);
    if (c.excludes) {
      const auto row = static_cast<std::size_t>(c.first_row + r);
      for (auto e = c.excluded.row_offsets[row]; e < c.excluded.row_offsets[row + 1]; ++e) {
        is_candidate[static_cast<std::size_t>(c.excluded.columns[static_cast<std::size_t>(e)])] =
            false;
      }
    }
    std::vector<std::int64_t> order;
    for (std::int64_t j = 0; j < c.scores.width; ++j) {
      if (is_candidate[static_cast<std::size_t>(j)] && c.scores.at(r, j) > c.threshold) {
        order.push_back(j);
      }
    }
    std::ranges::stable_sort(order, std::greater<>(),
                             [&](std::int64_t j) { return c.scores.at(r, j); });
    order.resize(std::min(order.size(), static_cast<std::size_t>(c.k)));
    results["counts"].push_back(static_cast<double>(order.size()));
    for (std::size_t i = 0; i < static_cast<std::size_t>(c.k); ++i) {
      const bool there = i < order.size();
      results["columns"].push_back(there ? static_cast<double>(order[i]) : -1);
      results["values"].push_back(there ? c.scores.at(r, order[i]) : -kInfinity);
    }
  }
  return results;
}

/// Many equal scores, or hardly any.
std::vector<SelectTopCase> cases() {
  struct Size {
    std::int64_t n_rows, n_columns, k;
  };
  std::vector<SelectTopCase> all;
  for (const auto& [n_rows, n_columns, k] :
       {Size{1, 1, 1}, Size{3, 31, 5}, Size{2, 32, 32}, Size{5, 33, 40}, Size{7, 127, 10},
        Size{4, 257, 100}, Size{33, 1031, 10}, Size{3, 1031, 1031}, Size{2, 4193, 1},
        Size{2, 4193, 10}, Size{2, 4193, 1025}, Size{1, 9001, 2500}, Size{1, 9001, 9001},
        Size{3, 0, 2}, Size{0, 5, 2}, Size{3, 5, 0}}) {
    for (const Values values : {Values::kIntegers, Values::kReals}) {
      const std::size_t i = all.size();
      Numbers numbers(i + 1, values);
      SelectTopCase c;
      c.scores = random_matrix(numbers, n_rows, n_columns, 9);
      c.k = k;
      if (i % 3 == 1) c.threshold = 3;
      c.excludes = i % 4 != 3;
      c.excluded = random_batch(numbers, n_rows, n_columns, i % 4 == 0);
      c.first_row = static_cast<std::int64_t>(i) % 3;
      c.extra_stride = i % 5 == 4 ? 16 : static_cast<std::int64_t>(i) % 2;  // rows not aligned
      all.push_back(c);
    }
  }
  return all;
}

class SelectTopTest : public OperationTest {};

TEST_P(SelectTopTest, IsASortCutAtK) {
  for (const SelectTopCase& c : cases()) {
    SCOPED_TRACE(c.name());
    expect_equal(c.run(backend()), by_sorting(c));
  }
}

TEST_P(SelectTopTest, GivesTheSameBitsAgain) {
  for (const SelectTopCase& c : cases()) expect_bits_of_twins(c);
}

// Every score of an ascending row is among the best when it comes, none of a descending one after
// the first k.
TEST_P(SelectTopTest, AscendingAndDescendingScores) {
  for (const std::int64_t k : {10, 2000}) {
    SelectTopCase c;
    c.scores = HostMatrix(2, 6000);
    for (std::int64_t j = 0; j < 6000; ++j) {
      c.scores.at(0, j) = static_cast<float>(j);
      c.scores.at(1, j) = static_cast<float>(-j);
    }
    c.k = k;
    SCOPED_TRACE(c.name());
    expect_equal(c.run(backend()), by_sorting(c));
  }
}

TEST_P(SelectTopTest, AllEqualScoresGoByColumn) {
  for (const std::int64_t k : {3, 1500}) {
    SelectTopCase c{HostMatrix(1, 5000, 0.5F), k};
    std::vector<double> want(static_cast<std::size_t>(k));
    std::iota(want.begin(), want.end(), 0);
    EXPECT_EQ(c.run(backend()).at("columns"), want);
  }
}

TEST_P(SelectTopTest, WorkedByHand) {
  SelectTopCase c{HostMatrix(2, 4, {1, 7, 7, 5, -1, -3, -2, 0}), 3};
  EXPECT_EQ(c.run(backend()), (Results{{"columns", {1, 2, 3, 3, 0, 2}},
                                       {"values", {7, 7, 5, 0, -1, -2}},
                                       {"counts", {3, 3}}}));
  c.excludes = true;
  c.excluded.n_columns = 4;
  c.excluded.add_row({{0, 1}, {1, 1}, {2, 1}, {3, 1}});
  c.excluded.add_row({{1, 1}});
  c.excluded.add_row({{0, 1}, {3, 1}});
  c.first_row = 1;
  c.threshold = -2.5F;
  EXPECT_EQ(c.run(backend()), (Results{{"columns", {2, 3, 0, 2, -1, -1}},
                                       {"values", {7, 5, 1, -2, -kInfinity, -kInfinity}},
                                       {"counts", {3, 1}}}));
}

TEST_P(SelectTopTest, MinusInfinityAndNaNAreNoCandidates) {
  const SelectTopCase c{HostMatrix(2, 4, {-kInfinity, 1, kNaN, 2, kNaN, -kInfinity, -1, kInfinity}),
                        3};
  EXPECT_EQ(c.run(backend()), (Results{{"columns", {3, 1, -1, 3, 2, -1}},
                                       {"values", {2, 1, -kInfinity, kInfinity, -1, -kInfinity}},
                                       {"counts", {2, 2}}}));
}

TEST_P(SelectTopTest, DenormalsAndBothZerosAreEqual) {
  constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
  SelectTopCase c{HostMatrix(1, 6, {-0.0F, 0.0F, kDenormal, -1, -kDenormal, 1}), 5};
  EXPECT_EQ(c.run(backend()).at("columns"), (std::vector<double>{5, 0, 1, 2, 4}));
  c.threshold = 0;
  EXPECT_EQ(c.run(backend()).at("counts"), std::vector<double>{1});
}

HOURGLASS_ON_EVERY_BACKEND(SelectTopTest);

}  // namespace
}  // namespace hourglass::ops_test
