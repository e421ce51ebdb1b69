#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/evaluate/scorer.h"

namespace hourglass {
namespace {

/// 5 . 1
/// 4 3 .
/// . . .
CsrMatrix small() {
  return {.n_rows = 3,
          .n_columns = 3,
          .row_offsets = {0, 2, 4, 4},
          .columns = {0, 2, 0, 1},
          .values = {5, 1, 4, 3}};
}

TEST(BaselinesTest, MeanAndPopularityByHand) {
  const Baselines baselines(small());
  EXPECT_EQ(baselines.mean, 13.0 / 4);
  const std::vector<std::int32_t> rows = {1, 2};
  std::vector<float> out(6);
  baselines.global_mean(rows).score_rows(0, out);
  EXPECT_EQ(out, std::vector<float>(6, 3.25F));
  baselines.popularity_within_rows(rows).score_rows(0, out);
  EXPECT_EQ(out, (std::vector<float>{2, 1, 1, 2, 1, 1}));
  baselines.popularity_within_columns(rows).score_columns(0, out);
  EXPECT_EQ(out, (std::vector<float>{2, 0, 2, 0, 2, 0}));
  EXPECT_FALSE(baselines.popularity_within_rows(rows).predicts_ratings());
}

// At the minimum of sum (x - mu - b_r - b_c)^2 + penalty (sum b_r^2 + sum b_c^2) its gradient is 0.
TEST(BaselinesTest, BiasesAreWhereTheGradientOfTheirLossIsZero) {
  const CsrMatrix ratings = synthetic_ratings({.rows = 200, .columns = 40}).matrix;
  const Baselines b(ratings);
  std::vector<double> row(200), column(40);
  for (std::size_t r = 0; r < 200; ++r) {
    for (auto e = static_cast<std::size_t>(ratings.row_offsets[r]);
         e < static_cast<std::size_t>(ratings.row_offsets[r + 1]); ++e) {
      const auto c = static_cast<std::size_t>(ratings.columns[e]);
      const double error = ratings.values[e] - b.mean - b.row_bias[r] - b.column_bias[c];
      row[r] += error;
      column[c] += error;
    }
  }
  double largest_bias = 0;
  for (std::size_t r = 0; r < 200; ++r) {
    EXPECT_NEAR(row[r], Baselines::kBiasPenalty * b.row_bias[r], 1e-6);
    largest_bias = std::max(largest_bias, std::abs(b.row_bias[r]));
  }
  for (std::size_t c = 0; c < 40; ++c) {
    EXPECT_NEAR(column[c], Baselines::kBiasPenalty * b.column_bias[c], 1e-6);
  }
  EXPECT_GT(largest_bias, 0.01);
}

TEST(BaselinesTest, ByRowAndByColumnAreTheSameScores) {
  const Baselines baselines(small());
  const std::vector<std::int32_t> rows = {2, 0, 1};
  std::vector<float> by_row(9), by_column(6);
  AdditiveScorer biases = baselines.biases(rows);
  biases.score_rows(0, by_row);
  biases.score_columns(1, by_column);
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 1; c < 3; ++c) EXPECT_EQ(by_column[(c - 1) * 3 + r], by_row[r * 3 + c]);
  }
  std::vector<float> last(3);
  biases.score_rows(2, last);
  EXPECT_EQ(last, std::vector<float>(by_row.begin() + 6, by_row.end()));
}

TEST(BaselinesTest, NoRatingsIsAnError) {
  CsrMatrix none;
  none.n_columns = 3;
  EXPECT_THROW(Baselines{none}, Error);
}

}  // namespace
}  // namespace hourglass
