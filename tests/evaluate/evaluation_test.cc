#include "hourglass/evaluate/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "evaluate/scores.h"
#include "hourglass/core/error.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/train/trainer.h"
#include "ops/backends_under_test.h"
#include "support/error_text.h"

namespace hourglass {
namespace {

using test::row_scores;
using test::table_scorer;

class EvaluateTest : public testing::TestWithParam<ops_test::BackendUnderTest> {
 protected:
  Backend& backend() { return *backend_; }

 private:
  std::unique_ptr<Backend> backend_ = GetParam().open();
};

/// Row 0: given column 0 (5), hidden columns 1 (4) and 3 (2). Row 1: given column 2 (3). Row 2:
/// hidden column 0 (1).
HiddenSample by_hand() {
  HiddenSample sample;
  sample.rows = {0, 1, 2};
  sample.given = {.n_rows = 3,
                  .n_columns = 4,
                  .row_offsets = {0, 1, 2, 2},
                  .columns = {0, 2},
                  .values = {5, 3}};
  sample.hidden = {.n_rows = 3,
                   .n_columns = 4,
                   .row_offsets = {0, 2, 2, 3},
                   .columns = {1, 3, 0},
                   .values = {4, 2, 1}};
  return sample;
}

const std::vector<float> kScores = {9, 3, 3.5F, 1,  //
                                    1, 1, 1,    1,  //
                                    0, 2, 0.5F, 0};

TEST_P(EvaluateTest, ErrorsWorkedByHand) {
  Scorer scorer = table_scorer(backend(), kScores, 4);
  const RatingErrors errors = *evaluate(scorer, by_hand(), {.k = 2, .threshold = 1}).errors;
  EXPECT_DOUBLE_EQ(errors.rmse, std::sqrt((1.0 + 1 + 1) / 3));  // 3 - 4, 1 - 2, 0 - 1
  EXPECT_DOUBLE_EQ(errors.mae, 1);
  const double all = 16 + 1 + 12.25 + 1 + (1 + 1 + 4 + 1) + (1 + 4 + 0.25 + 0);
  EXPECT_DOUBLE_EQ(errors.rmse_all_cells, std::sqrt(all / 12));
  EXPECT_EQ(errors.n_above_threshold, 4);  // 9, 3, 3.5, 2: above, not equal
  EXPECT_EQ(std::accumulate(errors.predictions.counts.begin(), errors.predictions.counts.end(),
                            std::int64_t{0}),
            3);
}

TEST_P(EvaluateTest, RankingWithinRowsWorkedByHand) {
  Scorer scorer = table_scorer(backend(), kScores, 4);
  const RankingQuality r = evaluate(scorer, by_hand(), {.k = 2}).ranking;
  // Row 0: candidates 1, 2, 3 in the order 2, 1, 3: a hit at rank 2 of 2 relevant.
  // Row 1 has nothing hidden. Row 2: the order is 1, 2, 0 (0 before 3 by column): no hit.
  const double gain2 = 1 / std::log2(3.0);
  EXPECT_DOUBLE_EQ(r.recall, (0.5 + 0) / 2);
  EXPECT_DOUBLE_EQ(r.ndcg, gain2 / (1 + gain2) / 2);
  EXPECT_DOUBLE_EQ(r.hit_rate, 0.5);
  EXPECT_EQ(count_ranked(by_hand(), RankWithin::kRow), 2);
  // At 3 row 2's comes in at rank 3, its ideal at rank 1: ties go to the lower column.
  const RankingQuality at3 = evaluate(scorer, by_hand(), {.k = 3}).ranking;
  EXPECT_DOUBLE_EQ(at3.recall, 1);
  EXPECT_DOUBLE_EQ(at3.ndcg, ((gain2 + 0.5) / (1 + gain2) + 0.5) / 2);
}

TEST_P(EvaluateTest, RankingWithinColumnsWorkedByHand) {
  Scorer scorer = table_scorer(backend(), kScores, 4);
  const RankingQuality r =
      evaluate(scorer, by_hand(), {.k = 1, .within = RankWithin::kColumn}).ranking;
  // Column 0: candidates rows 1, 2 (row 0 is given): order 1, 2, relevant 2: no hit.
  // Column 1: relevant 0 is first. Column 3: 1 and 1 and 0: row 0 before row 1.
  EXPECT_DOUBLE_EQ(r.recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(r.hit_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(r.ndcg, 2.0 / 3);
  EXPECT_EQ(count_ranked(by_hand(), RankWithin::kColumn), 3);
}

/// The same numbers from dense arrays, by the definitions.
Evaluation plainly(Scorer& scorer, const HiddenSample& sample, const EvaluationOptions& options) {
  const auto n_rows = static_cast<std::size_t>(sample.given.n_rows);
  const auto n_columns = static_cast<std::size_t>(sample.given.n_columns);
  std::vector<float> scores;  // in evaluate's blocks: cuBLAS's bits go by the shape of a product
  const std::int64_t n = lines_at_a_time(sample.given.n_columns);
  for (std::int64_t first = 0; first < sample.given.n_rows; first += n) {
    const auto block = row_scores(scorer, first, std::min(n, sample.given.n_rows - first));
    scores.insert(scores.end(), block.begin(), block.end());
  }
  std::vector<float> targets(scores.size());
  enum Cell { kNone, kGiven, kHidden };
  std::vector<Cell> cells(scores.size(), kNone);
  for (const auto& [part, kind] : {std::pair(&sample.given, kGiven), {&sample.hidden, kHidden}}) {
    for (std::size_t r = 0; r < n_rows; ++r) {
      for (auto e = static_cast<std::size_t>(part->row_offsets[r]);
           e < static_cast<std::size_t>(part->row_offsets[r + 1]); ++e) {
        const std::size_t cell = r * n_columns + static_cast<std::size_t>(part->columns[e]);
        cells[cell] = kind;
        targets[cell] = part->values[e];
      }
    }
  }
  RatingErrors errors;
  double squares = 0, absolute = 0, all = 0, n_hidden = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double error = static_cast<double>(scores[i]) - targets[i];
    all += error * error;
    errors.n_above_threshold += scores[i] > options.threshold;
    if (cells[i] != kHidden) continue;
    squares += error * error;
    absolute += std::abs(error);
    ++n_hidden;
  }
  errors.rmse = std::sqrt(squares / n_hidden);
  errors.mae = absolute / n_hidden;
  errors.rmse_all_cells = std::sqrt(all / static_cast<double>(cells.size()));
  const bool by_row = options.within == RankWithin::kRow;
  RankingQuality quality;
  double n_lines = 0;
  for (std::size_t line = 0; line < (by_row ? n_rows : n_columns); ++line) {
    std::vector<std::size_t> candidates;
    double relevant = 0;
    for (std::size_t i = 0; i < (by_row ? n_columns : n_rows); ++i) {
      const std::size_t cell = by_row ? line * n_columns + i : i * n_columns + line;
      if (cells[cell] != kGiven) candidates.push_back(cell);
      relevant += cells[cell] == kHidden;
    }
    if (relevant == 0) continue;
    ++n_lines;
    std::ranges::stable_sort(candidates, std::greater<>(),
                             [&](std::size_t cell) { return scores[cell]; });
    double hits = 0, dcg = 0, ideal = 0;
    const double k = static_cast<double>(options.k);
    for (std::size_t i = 0; i < candidates.size() && static_cast<double>(i) < k; ++i) {
      if (cells[candidates[i]] != kHidden) continue;
      ++hits;
      dcg += 1 / std::log2(static_cast<double>(i) + 2);
    }
    for (double i = 0; i < std::min(k, relevant); ++i) ideal += 1 / std::log2(i + 2);
    quality.recall += hits / std::min(k, relevant);
    quality.ndcg += dcg / ideal;
    quality.hit_rate += hits > 0;
  }
  quality.recall /= n_lines;
  quality.ndcg /= n_lines;
  quality.hit_rate /= n_lines;
  return {errors, quality};
}

void expect_same(const Evaluation& got, const Evaluation& want) {
  EXPECT_NEAR(got.errors->rmse, want.errors->rmse, 1e-12 * want.errors->rmse);
  EXPECT_NEAR(got.errors->mae, want.errors->mae, 1e-12 * want.errors->mae);
  EXPECT_NEAR(got.errors->rmse_all_cells, want.errors->rmse_all_cells,
              1e-9 * want.errors->rmse_all_cells);
  EXPECT_EQ(got.errors->n_above_threshold, want.errors->n_above_threshold);
  EXPECT_NEAR(got.ranking.recall, want.ranking.recall, 1e-12);
  EXPECT_NEAR(got.ranking.ndcg, want.ranking.ndcg, 1e-12);
  EXPECT_NEAR(got.ranking.hit_rate, want.ranking.hit_rate, 1e-12);
}

TEST_P(EvaluateTest, AModelAndTheBaselinesAreAsTheDefinitionsSay) {
  const CsrMatrix ratings = synthetic_ratings({.rows = 333, .columns = 60, .noise = 0.01}).matrix;
  const SplitRatings split = hide_ratings(ratings, 0.2, 42, RandomPurpose::kMask);
  const HiddenSample sample = draw_sample(split, 300, 42);
  const Baselines baselines(ratings);
  const Model model = initial_model({.n_columns = 60, .hidden = {16}, .bottleneck = 4}, 7);
  Predictor predictor(backend(), model);
  Scorer trained(predictor, sample.given);
  Scorer mean = baselines.global_mean(backend(), sample.rows);
  Scorer biases = baselines.biases(backend(), sample.rows);
  for (Scorer* scorer : std::initializer_list<Scorer*>{&trained, &mean, &biases}) {
    for (const RankWithin within : {RankWithin::kRow, RankWithin::kColumn}) {
      for (const std::int64_t k : {1, 5, 60}) {
        const EvaluationOptions options = {.k = k, .threshold = 0.05F, .within = within};
        expect_same(evaluate(*scorer, sample, options), plainly(*scorer, sample, options));
      }
    }
  }
  Scorer popularity = baselines.popularity_within_rows(backend(), sample.rows);
  EXPECT_FALSE(evaluate(popularity, sample, {}).errors.has_value());
}

// The share of everything that is found grows with k to one.
TEST_P(EvaluateTest, AtTheFullLengthEverythingIsFound) {
  Scorer scorer = table_scorer(backend(), kScores, 4);
  EXPECT_DOUBLE_EQ(evaluate(scorer, by_hand(), {.k = 4}).ranking.recall, 1);
  EXPECT_DOUBLE_EQ(evaluate(scorer, by_hand(), {.k = 4}).ranking.hit_rate, 1);
}

TEST_P(EvaluateTest, RefusesKBeyondTheLineAndScoresThatAreNoNumbers) {
  Scorer scorer = table_scorer(backend(), kScores, 4);
  EXPECT_NE(test::error_text([&] { evaluate(scorer, by_hand(), {.k = 5}); }).find("only 4 columns"),
            std::string::npos);
  EXPECT_THROW(evaluate(scorer, by_hand(), {.k = 4, .within = RankWithin::kColumn}), Error);
  std::vector<float> scores = kScores;
  scores[5] = std::nanf("");
  Scorer broken = table_scorer(backend(), scores, 4);
  EXPECT_NE(test::error_text([&] { evaluate(broken, by_hand(), {.k = 2}); }).find("row 2"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(On, EvaluateTest, testing::ValuesIn(ops_test::backends_under_test()),
                         [](const auto& backend) { return backend.param.name; });

TEST(DrawSampleTest, DependsOnTheSeedAndTakesRowsWithRatingsOnly) {
  CsrMatrix ratings = synthetic_ratings({.rows = 100, .columns = 20}).matrix;
  const std::vector<std::int64_t>& offsets = ratings.row_offsets;
  ratings.columns.erase(ratings.columns.begin() + offsets[7], ratings.columns.begin() + offsets[8]);
  ratings.values.erase(ratings.values.begin() + offsets[7], ratings.values.begin() + offsets[8]);
  const std::int64_t n = offsets[8] - offsets[7];
  for (std::size_t r = 8; r < ratings.row_offsets.size(); ++r) ratings.row_offsets[r] -= n;
  const SplitRatings split = hide_ratings(ratings, 0.3, 1, RandomPurpose::kMask);
  const HiddenSample sample = draw_sample(split, 30, 1);
  EXPECT_EQ(sample.rows.size(), 30U);
  EXPECT_TRUE(std::ranges::is_sorted(sample.rows));
  EXPECT_EQ(sample.rows, draw_sample(split, 30, 1).rows);
  EXPECT_NE(sample.rows, draw_sample(split, 30, 2).rows);
  const HiddenSample all = draw_sample(split, 1000, 1);
  EXPECT_EQ(all.rows.size(), 99U);
  EXPECT_EQ(std::ranges::count(all.rows, 7), 0);
  EXPECT_EQ(all.hidden.values.size(), split.hidden.values.size());
}

TEST(DrawSampleTest, EmptyOrOneSidedSamplesAreErrors) {
  const CsrMatrix ratings = synthetic_ratings({.rows = 10, .columns = 20}).matrix;
  const auto error = [&](double probability, std::int64_t n) {
    const SplitRatings split = hide_ratings(ratings, probability, 1, RandomPurpose::kMask);
    return test::error_text([&] { draw_sample(split, n, 1); });
  };
  EXPECT_NE(error(0.5, 0).find("sample is empty"), std::string::npos);
  EXPECT_NE(error(0, 5).find("no rating of the sample is hidden"), std::string::npos);
  EXPECT_NE(error(1, 5).find("every rating of the sample is hidden"), std::string::npos);
}

TEST(DistributionTest, CountsEveryValueOnce) {
  Distribution d(0, 5, 5);
  for (const float x : {-0.1F, 0.0F, 0.99F, 1.0F, 4.99F, 5.0F, 5.1F}) d.add(x);
  EXPECT_EQ(d.counts, (std::vector<std::int64_t>{2, 1, 0, 0, 2}));
  EXPECT_EQ(d.below, 1);
  EXPECT_EQ(d.above, 1);
}

}  // namespace
}  // namespace hourglass
