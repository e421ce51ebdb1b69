#include "hourglass/analysis/silhouette.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "analysis/golden.h"
#include "support/error_text.h"

namespace hourglass::test {
namespace {

TEST(SilhouetteGolden, IsScikitLearns) {
  for (const char* name : {"kmeans", "kmeans_empty"}) {
    const SafetensorsFile file = golden(name);
    const std::vector<double> values = file.read_f64("points");
    const Silhouette got = silhouette(in_shape(file, "points", values), file.read_i32("labels"));
    EXPECT_EQ(got.n_sampled, 150);
    EXPECT_NEAR(got.mean, file.read_f64("silhouette")[0], 1e-13);
  }
}

const std::vector<double> kPoints = {0, 2, 10, 13};

TEST(Silhouette, ByHand) {
  const std::vector<std::int32_t> labels = {0, 0, 1, 2};
  // Row 0: a = 2, b = 10. Row 1: a = 2, b = 8. Rows 2 and 3 are alone.
  EXPECT_NEAR(silhouette({kPoints, 4, 1}, labels).mean, (0.8 + 0.75) / 4, 1e-15);
}

TEST(Silhouette, IsZeroWhereAllRowsAreOnePoint) {
  const std::vector<double> points(6, 1.5);
  EXPECT_EQ(silhouette({points, 6, 1}, std::vector<std::int32_t>{0, 0, 0, 1, 1, 1}).mean, 0);
}

// a and b are over all rows, so that a sample of one is one row's own coefficient.
TEST(Silhouette, ASampleKeepsTheCoefficientsOfItsRows) {
  const std::vector<std::int32_t> labels = {0, 0, 1, 1};
  const std::vector<double> wanted = {1 - 2 / 11.5, 1 - 2 / 9.5, 1 - 3 / 9.0, 1 - 3 / 12.0};
  std::vector<bool> seen(4);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Silhouette one = silhouette({kPoints, 4, 1}, labels, 1, seed);
    EXPECT_EQ(one.n_sampled, 1);
    EXPECT_EQ(one.mean, silhouette({kPoints, 4, 1}, labels, 1, seed).mean);
    const auto row = std::find_if(wanted.begin(), wanted.end(), [&](double coefficient) {
      return std::abs(coefficient - one.mean) < 1e-14;
    });
    ASSERT_NE(row, wanted.end()) << one.mean;
    seen[static_cast<std::size_t>(row - wanted.begin())] = true;
  }
  EXPECT_EQ(seen, std::vector<bool>(4, true)) << "each row is drawn by some seed";
}

TEST(Silhouette, RefusesOneCluster) {
  error_text([] { silhouette({kPoints, 4, 1}, std::vector<std::int32_t>{1, 1, 1, 1}); });
  error_text([] { silhouette({kPoints, 4, 1}, std::vector<std::int32_t>{0, 0, 1, 1}, 0); });
}

}  // namespace
}  // namespace hourglass::test
