#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/backend.h"
#include "evaluate/scores.h"
#include "hourglass/core/error.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/evaluate/scorer.h"

namespace hourglass {
namespace {

using test::column_scores;
using test::row_scores;

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
  cpu::CpuBackend backend(1);
  Scorer mean = baselines.global_mean(backend, rows);
  EXPECT_EQ(row_scores(mean), std::vector<float>(6, 3.25F));
  Scorer within_rows = baselines.popularity_within_rows(backend, rows);
  EXPECT_EQ(row_scores(within_rows), (std::vector<float>{2, 1, 1, 2, 1, 1}));
  Scorer within_columns = baselines.popularity_within_columns(backend, rows);
  EXPECT_EQ(column_scores(within_columns, std::vector<std::int32_t>{0, 1, 2}),
            (std::vector<float>{2, 0, 2, 0, 2, 0}));
  EXPECT_FALSE(within_rows.predicts_ratings());
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

TEST(BaselinesTest, NoRatingsIsAnError) {
  CsrMatrix none;
  none.n_columns = 3;
  EXPECT_THROW(Baselines{none}, Error);
}

}  // namespace
}  // namespace hourglass
