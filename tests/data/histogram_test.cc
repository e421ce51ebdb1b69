#include "hourglass/data/histogram.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace hourglass {
namespace {

TEST(HistogramTest, AFewValuesHaveABarEach) {
  const std::vector<float> values = {5, 3.5F, 5, 1, 3.5F, 5};
  const std::vector<HistogramBar> expected = {{1, 1, 1}, {3.5F, 3.5F, 2}, {5, 5, 3}};
  EXPECT_EQ(histogram(values), expected);
  EXPECT_TRUE(histogram({}).empty());
}

TEST(HistogramTest, ManyHaveTwentyIntervalsThatHoldThemAll) {
  std::vector<float> values(101);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 10;
  const std::vector<HistogramBar> bars = histogram(values);
  ASSERT_EQ(bars.size(), 20U);
  EXPECT_EQ(bars.front().from, 0);
  EXPECT_EQ(bars.back().to, 10);
  EXPECT_EQ(bars.front().count, 5);  // 0 to 0.4
  EXPECT_EQ(bars.back().count, 6);   // 9.5 to 10, closed
  EXPECT_EQ(std::accumulate(bars.begin(), bars.end(), std::int64_t{0},
                            [](std::int64_t sum, const HistogramBar& b) { return sum + b.count; }),
            101);
}

}  // namespace
}  // namespace hourglass
