#include "hourglass/data/synthetic.h"

#include <cmath>

#include "data/reading.h"
#include "hourglass/data/digest.h"
#include "hourglass/data/write_wide.h"

namespace hourglass::test {
namespace {

// The bound on a count of n trials of probability p: 6 standard deviations.
bool near(double count, double n, double p) {
  return std::abs(count - n * p) <= 6 * std::sqrt(n * p * (1 - p));
}

TEST(Synthetic, WithoutNoise) {
  const Ratings ratings =
      synthetic_ratings({.rows = 2000, .columns = 100, .sparsity = 0.8, .noise = 0, .seed = 7});
  const double cells = 2000.0 * 100;
  std::array<double, 6> counts = {};
  for (const float value : ratings.matrix.values) {
    ASSERT_TRUE(value >= 1 && value <= 5 && value == std::floor(value)) << value;
    ++counts[static_cast<std::size_t>(value)];
  }
  for (int v = 1; v <= 5; ++v) {
    EXPECT_TRUE(near(counts[static_cast<std::size_t>(v)], cells, 0.2 / 6)) << v;
  }
}

TEST(Synthetic, WithNoise) {
  const Ratings ratings = synthetic_ratings({.rows = 2000, .columns = 100});
  const double cells = 2000.0 * 100;
  // Of the cells that are 0 the noise lifts half above 0; of those that are 1 it drops Phi(-1/0.3).
  const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); };
  double rated = (0.8 + 0.2 / 6) * 0.5;
  for (int v = 1; v <= 5; ++v) rated += 0.2 / 6 * phi(v / 0.3);
  EXPECT_TRUE(near(static_cast<double>(ratings.matrix.n_entries()), cells, rated));
  double at_most = 0;
  double low = 0;  // within one standard deviation above 0
  for (const float value : ratings.matrix.values) {
    ASSERT_TRUE(value > 0 && value <= 5) << value;
    at_most += value == 5 ? 1 : 0;
    low += value < 0.3f ? 1 : 0;
  }
  double five = 0.2 / 6 * 0.5;
  double below = (0.8 + 0.2 / 6) * (phi(1) - 0.5);
  for (int v = 1; v <= 5; ++v) {
    five += v < 5 ? 0.2 / 6 * phi((v - 5) / 0.3) : 0;
    below += 0.2 / 6 * (phi((0.3 - v) / 0.3) - phi(-v / 0.3));
  }
  EXPECT_TRUE(near(at_most, cells, five));
  EXPECT_TRUE(near(low, cells, below));
}

TEST(Synthetic, IsTheSameEverywhere) {
  // The integers are Philox's, so bit for bit; normals pass log and cos of the C library.
  EXPECT_EQ(digest(synthetic_ratings({.rows = 50, .columns = 40, .noise = 0, .seed = 42})),
            "593dba16bda8f0f11c3eaf5df4f03dc54d498c4ec4cfc158b37211c1a0384dad");
  const Ratings large = synthetic_ratings({.rows = 30, .columns = 20, .seed = 9});
  const Ratings small = synthetic_ratings({.rows = 10, .columns = 20, .seed = 9});
  EXPECT_TRUE(std::equal(small.matrix.values.begin(), small.matrix.values.end(),
                         large.matrix.values.begin()));
  EXPECT_NE(digest(synthetic_ratings({.rows = 10, .columns = 20, .seed = 10})), digest(small));
  EXPECT_EQ(small.row_ids[9], "9");
  EXPECT_EQ(small.column_ids[19], "19");
}

TEST(Synthetic, Extremes) {
  EXPECT_EQ(
      synthetic_ratings({.rows = 9, .columns = 9, .sparsity = 1, .noise = 0}).matrix.n_entries(),
      0);
  for (const SyntheticOptions& wrong :
       {SyntheticOptions{.rows = 0}, SyntheticOptions{.columns = -1},
        SyntheticOptions{.columns = std::int64_t{1} << 31}, SyntheticOptions{.sparsity = 1.5},
        SyntheticOptions{.sparsity = NAN}, SyntheticOptions{.noise = -1},
        SyntheticOptions{.noise = INFINITY}}) {
    EXPECT_THROW(synthetic_ratings(wrong), UsageError);
  }
}

TEST(Synthetic, WrittenAndReadBitForBit) {
  const TempFolder folder;
  const Ratings ratings = synthetic_ratings({.rows = 300, .columns = 200, .seed = 1});
  for (const char* name : {"s.csv", "s.csv.gz"}) {
    write_wide(ratings, folder / name);
    EXPECT_TRUE(same_ratings(read_ratings(folder / name), ratings)) << name;
  }
}

}  // namespace
}  // namespace hourglass::test
