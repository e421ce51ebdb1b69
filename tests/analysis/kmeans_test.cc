#include "hourglass/analysis/kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "analysis/golden.h"
#include "support/error_text.h"

namespace hourglass::test {
namespace {

// From the same centres the same way, with clusters that overlap, and where a cluster gets no row.
TEST(KmeansGolden, FollowsScikitLearn) {
  for (const char* name : {"kmeans", "kmeans_empty"}) {
    SCOPED_TRACE(name);
    const SafetensorsFile file = golden(name);
    const std::vector<double> values = file.read_f64("points");
    const std::vector<double> centres = file.read_f64("initial_centres");
    const Kmeans got =
        kmeans(in_shape(file, "points", values), in_shape(file, "initial_centres", centres));
    EXPECT_EQ(got.labels, file.read_i32("labels"));
    expect_near(got.centres, file.read_f64("centres"), 1e-12, "centre");
    expect_near({got.inertia}, file.read_f64("inertia"), 1e-12, "inertia");
  }
}

TEST(KmeansGolden, FindsWhatScikitLearnsStartsFind) {
  const SafetensorsFile file = golden("kmeans_starts");
  const std::vector<double> values = file.read_f64("points");
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Kmeans got =
        kmeans(in_shape(file, "points", values),
               {.n_clusters = static_cast<int>(file.read_i64("n_clusters")[0]), .seed = seed});
    EXPECT_LE(got.inertia, file.read_f64("inertia")[0] * (1 + 1e-9)) << seed;
  }
}

const std::vector<double> kLine = {0, 1, 2, 10, 11, 20};

TEST(Kmeans, ByHand) {
  const Kmeans got = kmeans({kLine, 6, 1}, {.n_clusters = 3});
  EXPECT_EQ(got.labels, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 2}));
  EXPECT_EQ(got.sizes, (std::vector<std::int64_t>{3, 2, 1}));
  EXPECT_EQ(got.centres, (std::vector<double>{1, 10.5, 20}));
  EXPECT_EQ(got.inertia, 2.5);
}

TEST(Kmeans, NumbersEqualClustersByTheirCentres) {
  const std::vector<double> points = {9, 9.5, -4, -4.5, 3, 3.5};
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const Kmeans got = kmeans({points, 6, 1}, {.n_clusters = 3, .seed = seed});
    EXPECT_EQ(got.labels, (std::vector<std::int32_t>{2, 2, 0, 0, 1, 1})) << seed;
  }
}

TEST(Kmeans, GivenCentresKeepTheirNumbers) {
  const std::vector<double> centres = {20, 0, 11};
  const Kmeans got = kmeans({kLine, 6, 1}, {centres, 3, 1});
  EXPECT_EQ(got.labels, (std::vector<std::int32_t>{1, 1, 1, 2, 2, 0}));
}

TEST(Kmeans, EndsByToleranceOrWhenNothingChanges) {
  const SafetensorsFile file = golden("kmeans");
  const std::vector<double> values = file.read_f64("points");
  const std::vector<double> centres = file.read_f64("initial_centres");
  const auto n_iterations = [&](const KmeansOptions& options) {
    return kmeans(in_shape(file, "points", values), in_shape(file, "initial_centres", centres),
                  options)
        .n_iterations;
  };
  const int to_the_end = n_iterations({.tolerance = 0});
  EXPECT_GT(to_the_end, 4);
  EXPECT_LT(to_the_end, 300);
  EXPECT_LT(n_iterations({.tolerance = 0.05}), to_the_end);
  EXPECT_EQ(n_iterations({.tolerance = 1e9}), 1);
  EXPECT_EQ(n_iterations({.max_iterations = 3, .tolerance = 0}), 3);
}

TEST(Kmeans, EachRowIsNextToItsOwnCentre) {
  const SafetensorsFile file = golden("kmeans");
  const std::vector<double> values = file.read_f64("points");
  const DenseView<double> points = in_shape(file, "points", values);
  const Kmeans got = kmeans(points, {.n_clusters = 6, .tolerance = 0});
  std::vector<std::int64_t> sizes(6);
  std::vector<double> sums(got.centres.size());
  double inertia = 0;
  for (std::int64_t r = 0; r < points.n_rows; ++r) {
    const auto label = static_cast<std::size_t>(got.labels[static_cast<std::size_t>(r)]);
    ++sizes[label];
    std::vector<double> distances(6);
    for (std::size_t c = 0; c < 6; ++c) {
      for (std::size_t i = 0; i < 3; ++i) {
        const double off = points.row(r)[i] - got.centres[c * 3 + i];
        distances[c] += off * off;
      }
    }
    for (std::size_t i = 0; i < 3; ++i) sums[label * 3 + i] += points.row(r)[i];
    EXPECT_EQ(distances[label], *std::min_element(distances.begin(), distances.end())) << r;
    inertia += distances[label];
  }
  EXPECT_EQ(got.sizes, sizes);
  EXPECT_TRUE(std::is_sorted(sizes.rbegin(), sizes.rend()));
  EXPECT_NEAR(got.inertia, inertia, 1e-9);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(got.centres[i], sums[i] / static_cast<double>(sizes[i / 3]), 1e-12);
  }
}

TEST(Kmeans, TheSameBitsForTheSameSeedAndMoreStartsAreNoWorse) {
  const SafetensorsFile file = golden("kmeans");
  const std::vector<double> values = file.read_f64("points");
  const DenseView<double> points = in_shape(file, "points", values);
  const Kmeans a = kmeans(points), b = kmeans(points);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.centres, b.centres);
  EXPECT_EQ(a.inertia, b.inertia);
  double greatest = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const double one = kmeans(points, {.n_starts = 1, .seed = seed}).inertia;
    EXPECT_LE(kmeans(points, {.seed = seed}).inertia, one);
    greatest = std::max(greatest, one);
  }
  EXPECT_GT(greatest, a.inertia) << "starts that all end alike say nothing";
}

TEST(Kmeans, AsManyClustersAsDistinctRowsAndNoMore) {
  const std::vector<double> points = {1, 2, 1, 2, 5, 6, 1, 2, 5, 6, 0, 0};
  const Kmeans got = kmeans({points, 6, 2}, {.n_clusters = 3});
  EXPECT_EQ(got.sizes, (std::vector<std::int64_t>{3, 2, 1}));
  EXPECT_EQ(got.inertia, 0);
  const std::string text = error_text([&] { kmeans({points, 6, 2}, {.n_clusters = 4}); });
  EXPECT_NE(text.find("3 distinct rows"), std::string::npos) << text;
  error_text([&] { kmeans({points, 6, 2}, {.n_clusters = 0}); });
  error_text([&] { kmeans({points, 6, 2}, {.n_clusters = 2, .n_starts = 0}); });
}

TEST(Kmeans, RefusesCentresOfOtherColumns) {
  const std::vector<double> centres = {1, 2};
  error_text([&] { kmeans({kLine, 6, 1}, {centres, 1, 2}); });
  error_text([&] { kmeans({kLine, 6, 1}, DenseView<double>{{}, 0, 1}); });
}

}  // namespace
}  // namespace hourglass::test
