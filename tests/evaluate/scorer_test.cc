#include "hourglass/evaluate/scorer.h"

#include <gtest/gtest.h>

#include "evaluate/scores.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/train/trainer.h"
#include "ops/backends_under_test.h"

namespace hourglass {
namespace {

using ops_test::backends_under_test;
using ops_test::BackendUnderTest;
using test::column_scores;
using test::row_scores;

class ScorerTest : public testing::TestWithParam<BackendUnderTest> {
 protected:
  Backend& backend() { return *backend_; }

  /// In any order, and any of them twice.
  void expect_the_same_by_column(Scorer scorer, const std::vector<std::int32_t>& columns) {
    const std::vector<float> by_row = row_scores(scorer),
                             by_column = column_scores(scorer, columns);
    const auto n_rows = static_cast<std::size_t>(scorer.n_rows());
    const auto n_columns = static_cast<std::size_t>(scorer.n_columns());
    ASSERT_EQ(by_column.size(), columns.size() * n_rows);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      for (std::size_t r = 0; r < n_rows; ++r) {
        const float want = by_row[r * n_columns + static_cast<std::size_t>(columns[i])];
        ASSERT_NEAR(by_column[i * n_rows + r], want, 1e-5 * (1 + std::abs(want)))
            << "row " << r << ", column " << columns[i];
      }
    }
  }

 private:
  std::unique_ptr<Backend> backend_ = GetParam().open();
};

TEST_P(ScorerTest, IsTheProductOfItsFactors) {
  Scorer scorer(backend(), std::vector<float>{1, 2, 3, 4, 5, 6}, std::vector<float>{1, 0, -1, 10},
                2, false);
  EXPECT_EQ(scorer.n_rows(), 3);
  EXPECT_EQ(scorer.n_columns(), 2);
  EXPECT_FALSE(scorer.predicts_ratings());
  EXPECT_EQ(row_scores(scorer), (std::vector<float>{1, 19, 3, 37, 5, 55}));
  EXPECT_EQ(row_scores(scorer, 1, 2), (std::vector<float>{3, 37, 5, 55}));
  EXPECT_EQ(column_scores(scorer, std::vector<std::int32_t>{1, 0, 1}),
            (std::vector<float>{19, 37, 55, 1, 3, 5, 19, 37, 55}));
}

TEST_P(ScorerTest, OfAModelAreItsOutputs) {
  const CsrMatrix ratings = synthetic_ratings({.rows = 131, .columns = 70, .noise = 0}).matrix;
  const Model model = initial_model({.n_columns = 70, .hidden = {9, 5}, .bottleneck = 3}, 7);
  Predictor predictor(backend(), model);
  Scorer scorer(predictor, ratings);
  std::vector<float> outputs(131 * 70);
  predictor.outputs(predictor.hidden(ratings), 0, outputs);
  EXPECT_EQ(row_scores(scorer), outputs);
  EXPECT_EQ(row_scores(scorer, 130, 1), std::vector<float>(outputs.end() - 70, outputs.end()));
  expect_the_same_by_column(std::move(scorer), {69, 0, 13, 13, 40});
}

// An engine may leave out units that are zero for all rows: the scores are the outputs all the same.
TEST_P(ScorerTest, OfAModelWithIdleUnitsAreItsOutputs) {
  constexpr std::int64_t kRows = 600, kColumns = 30;
  const CsrMatrix ratings =
      synthetic_ratings({.rows = kRows, .columns = kColumns, .noise = 0}).matrix;
  Model model = initial_model({.n_columns = kColumns, .hidden = {16, 5}, .bottleneck = 3}, 7);
  std::vector<float>& biases = model.biases[model.biases.size() - 2];
  ASSERT_EQ(biases.size(), 16U);
  for (const std::size_t unit : {0U, 3U, 4U, 8U, 15U}) biases[unit] = -1000;
  Predictor predictor(backend(), model);
  Scorer scorer(predictor, ratings);
  std::vector<float> outputs(kRows * kColumns);
  predictor.outputs(predictor.hidden(ratings), 0, outputs);
  const std::vector<float> scores = row_scores(scorer);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    ASSERT_NEAR(scores[i], outputs[i], 1e-6 * (1 + std::abs(outputs[i]))) << i;
  }
  expect_the_same_by_column(std::move(scorer), {29, 0, 13});
}

TEST_P(ScorerTest, FormsRowsThatAreAlikeOnce) {
  const std::vector<float> columns = {1, 0, -1, 10};
  Scorer alike(backend(), std::vector<float>{1, 2, 1, 2, 1, 2}, columns, 2);
  Scorer other(backend(), std::vector<float>{1, 2, 1, 2, 1, 3}, columns, 2);
  const ScoreRoom room(backend(), 3, 2);
  EXPECT_EQ(alike.score_rows(0, 3, room).product.hidden.stride, 0);
  EXPECT_EQ(other.score_rows(0, 3, room).product.hidden.stride, padded(2));
  EXPECT_EQ(row_scores(alike), (std::vector<float>{1, 19, 1, 19, 1, 19}));
  EXPECT_EQ(row_scores(alike, 2, 1), (std::vector<float>{1, 19}));
}

// A sum of two floats, rounded once, whatever the backend adds products in.
TEST_P(ScorerTest, OfABaselineAreItsSums) {
  const CsrMatrix ratings = synthetic_ratings({.rows = 200, .columns = 40}).matrix;
  const Baselines baselines(ratings);
  const std::vector<std::int32_t> rows = {7, 3, 150};
  Scorer scorer = baselines.biases(backend(), rows);
  EXPECT_TRUE(scorer.predicts_ratings());
  const std::vector<float> scores = row_scores(scorer);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto of_row =
        static_cast<float>(baselines.row_bias[static_cast<std::size_t>(rows[r])] + baselines.mean);
    for (std::size_t c = 0; c < 40; ++c) {
      ASSERT_EQ(scores[r * 40 + c], of_row + static_cast<float>(baselines.column_bias[c]));
    }
  }
  expect_the_same_by_column(std::move(scorer), {39, 0, 5});
}

TEST_P(ScorerTest, NoRowsOrNoColumns) {
  CsrMatrix none;
  none.n_columns = 5;
  const Model model = initial_model({.n_columns = 5, .hidden = {4}, .bottleneck = 2}, 7);
  Predictor predictor(backend(), model);
  Scorer scorer(predictor, none);
  EXPECT_TRUE(row_scores(scorer).empty());
  EXPECT_TRUE(column_scores(scorer, std::vector<std::int32_t>{4, 1}).empty());
  EXPECT_TRUE(column_scores(scorer, {}).empty());
}

INSTANTIATE_TEST_SUITE_P(On, ScorerTest, testing::ValuesIn(backends_under_test()),
                         [](const auto& backend) { return backend.param.name; });

TEST(LinesAtATimeTest, BoundsTheMemory) {
  EXPECT_EQ(lines_at_a_time(0), 128);
  EXPECT_EQ(lines_at_a_time(500), 128);
  EXPECT_EQ(lines_at_a_time(53'424), 78);
  EXPECT_EQ(lines_at_a_time(100'000'000), 1);
}

}  // namespace
}  // namespace hourglass
