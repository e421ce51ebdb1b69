#include "hourglass/data/hide_ratings.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hourglass/data/synthetic.h"

namespace hourglass {
namespace {

TEST(HideRatingsTest, EachRatingIsInOnePart) {
  const CsrMatrix whole = synthetic_ratings({.rows = 300, .columns = 70}).matrix;
  const SplitRatings split = hide_ratings(whole, 0.2, 42, RandomPurpose::kMask);
  std::size_t g = 0, h = 0;
  for (std::size_t r = 0; r < 300; ++r) {
    for (auto e = static_cast<std::size_t>(whole.row_offsets[r]);
         e < static_cast<std::size_t>(whole.row_offsets[r + 1]); ++e) {
      const bool given = g < static_cast<std::size_t>(split.given.row_offsets[r + 1]) &&
                         split.given.columns[g] == whole.columns[e];
      const CsrMatrix& part = given ? split.given : split.hidden;
      const std::size_t i = given ? g++ : h++;
      ASSERT_EQ(part.columns.at(i), whole.columns[e]);
      ASSERT_EQ(part.values.at(i), whole.values[e]);
    }
    ASSERT_EQ(split.given.row_offsets[r + 1], static_cast<std::int64_t>(g));
    ASSERT_EQ(split.hidden.row_offsets[r + 1], static_cast<std::int64_t>(h));
  }
  const auto n = static_cast<double>(whole.n_entries());
  EXPECT_LE(std::abs(static_cast<double>(h) - 0.2 * n), 5 * std::sqrt(0.16 * n));  // 5 sigma
}

TEST(HideRatingsTest, DependsOnTheRatingsPlaceAndTheSeedAlone) {
  const CsrMatrix whole = synthetic_ratings({.rows = 60, .columns = 40}).matrix;
  const CsrMatrix corner = synthetic_ratings({.rows = 60, .columns = 20}).matrix;
  const auto hidden = [](const CsrMatrix& m, std::uint64_t seed, RandomPurpose purpose) {
    return hide_ratings(m, 0.5, seed, purpose).hidden;
  };
  const CsrMatrix of_whole = hidden(whole, 1, RandomPurpose::kMask);
  CsrMatrix of_corner = hidden(corner, 1, RandomPurpose::kMask);
  std::vector<std::int32_t> left;
  for (const std::int32_t column : of_whole.columns) {
    if (column < 20) left.push_back(column);
  }
  EXPECT_EQ(of_corner.columns, left);
  EXPECT_NE(of_whole, hidden(whole, 2, RandomPurpose::kMask));
  EXPECT_NE(of_whole, hidden(whole, 1, RandomPurpose::kHoldout));
  EXPECT_EQ(hide_ratings(whole, 0, 1, RandomPurpose::kMask).given, whole);
  EXPECT_EQ(hide_ratings(whole, 1, 1, RandomPurpose::kMask).hidden, whole);
}

}  // namespace
}  // namespace hourglass
