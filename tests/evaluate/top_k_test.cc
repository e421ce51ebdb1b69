#include "hourglass/evaluate/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace hourglass {
namespace {

std::vector<Scored> by_sorting(const std::vector<float>& scores, std::int64_t k, float threshold) {
  std::vector<Scored> all;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > threshold) all.push_back({scores[i], static_cast<std::int32_t>(i)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  all.resize(std::min(all.size(), static_cast<std::size_t>(k)));
  return all;
}

std::vector<Scored> best(TopK& top, const std::vector<float>& scores) {
  const auto found = top.of(scores);
  return {found.begin(), found.end()};
}

TEST(TopKTest, IsASortCutAtK) {
  std::mt19937 random(42);
  for (const std::size_t n : {0, 1, 2, 31, 32, 257, 1031}) {
    for (const std::int64_t k :
         {std::int64_t{1}, std::int64_t{2}, std::int64_t{10}, std::int64_t{100}, std::int64_t{1000},
          std::numeric_limits<std::int64_t>::max()}) {
      for (const int different : {2, 7, 1000000}) {  // few different scores: many ties
        std::vector<float> scores(n);
        for (float& score : scores) {
          score = static_cast<float>(static_cast<int>(random() % static_cast<unsigned>(different)));
        }
        TopK top(k), above(k, 3);
        EXPECT_EQ(best(top, scores), by_sorting(scores, k, -1)) << n << ", " << k;
        EXPECT_EQ(best(top, scores), by_sorting(scores, k, -1)) << "again";
        EXPECT_EQ(best(above, scores), by_sorting(scores, k, 3)) << n << ", " << k;
      }
    }
  }
}

TEST(TopKTest, AscendingAndDescendingScores) {
  std::vector<float> scores(500);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i);
  TopK top(10);
  EXPECT_EQ(best(top, scores), by_sorting(scores, 10, -1));
  std::reverse(scores.begin(), scores.end());
  EXPECT_EQ(best(top, scores), by_sorting(scores, 10, -1));
}

TEST(TopKTest, MinusInfinityAndNaNAreNoCandidates) {
  TopK top(10);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> scores = {-infinity, 1, std::numeric_limits<float>::quiet_NaN(), 2};
  EXPECT_EQ(best(top, scores), (std::vector<Scored>{{2, 3}, {1, 1}}));
}

}  // namespace
}  // namespace hourglass
