#include "hourglass/analysis/pca.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "analysis/golden.h"
#include "support/error_text.h"

namespace hourglass::test {
namespace {

struct Dense {
  std::vector<float> values;
  std::int64_t n_rows, n_columns;
  DenseView<float> view() const { return {values, n_rows, n_columns}; }
};

CsrMatrix sparse(const Dense& dense) {
  CsrMatrix matrix;
  matrix.n_rows = dense.n_rows;
  matrix.n_columns = dense.n_columns;
  for (std::int64_t r = 0; r < dense.n_rows; ++r) {
    for (std::int64_t c = 0; c < dense.n_columns; ++c) {
      const float value = dense.view().row(r)[static_cast<std::size_t>(c)];
      if (value == 0) continue;
      matrix.columns.push_back(static_cast<std::int32_t>(c));
      matrix.values.push_back(value);
    }
    matrix.row_offsets.push_back(static_cast<std::int64_t>(matrix.columns.size()));
  }
  return matrix;
}

/// Whole ratings 1 to 5 in `filled` of the cells, round two tastes.
Dense ratings(std::int64_t n_rows, std::int64_t n_columns, double filled, unsigned seed = 1) {
  std::mt19937 random(seed);
  const auto draw = [&] { return static_cast<double>(random()) / 4294967296.0; };
  Dense dense{{}, n_rows, n_columns};
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t c = 0; c < n_columns; ++c) {
      const double taste = (r % 3 == 0) == (c % 2 == 0) ? 4 : 1.5;
      const double value = std::clamp(std::round(taste + 2 * draw() - 1), 1.0, 5.0);
      dense.values.push_back(draw() < filled ? static_cast<float>(value) : 0);
    }
  }
  return dense;
}

/// sum over the rows of score a * score b.
double product(const Pca& pca, int a, int b) {
  double sum = 0;
  for (std::int64_t r = 0; r < pca.n_rows; ++r) {
    const auto row = pca.points().row(r);
    sum += row[static_cast<std::size_t>(a)] * row[static_cast<std::size_t>(b)];
  }
  return sum;
}

TEST(Pca, ByHand) {
  // Centred: (-1, 0), (1, 0), (0, 2), (0, -2).
  const Dense dense{{2, 5, 4, 5, 3, 7, 3, 3}, 4, 2};
  const Pca got = pca(dense.view());
  expect_near(got.mean, {3, 5}, 1e-15, "mean");
  expect_near(got.explained_variance, {8.0 / 3, 2.0 / 3}, 1e-14, "variance");
  expect_near(got.explained_variance_ratio, {0.8, 0.2}, 1e-14, "ratio");
  EXPECT_NEAR(got.total_variance, 10.0 / 3, 1e-14);
  // Scores are +-2 and +-1, and either sign is as far from 0: hence the absolute values.
  std::vector<double> scores, components;
  for (const double score : got.scores) scores.push_back(std::abs(score));
  for (const double component : got.components) components.push_back(std::abs(component));
  expect_near(scores, {0, 1, 0, 1, 2, 0, 2, 0}, 1e-14, "score");
  expect_near(components, {0, 1, 1, 0}, 1e-14, "component");
}

TEST(Pca, ScoresAreOrthogonalAndOfTheVarianceToldOf) {
  for (const Dense& dense : {ratings(150, 60, 0.2), ratings(60, 150, 0.2)}) {
    const Pca got = pca(sparse(dense), {.n_components = 7});
    const double scale = product(got, 0, 0);
    double before = std::numeric_limits<double>::infinity();
    for (int a = 0; a < 7; ++a) {
      const double variance = got.explained_variance[static_cast<std::size_t>(a)];
      EXPECT_LE(variance, before);
      before = variance;
      EXPECT_NEAR(product(got, a, a) / static_cast<double>(got.n_rows - 1), variance,
                  1e-12 * scale);
      for (int b = 0; b < a; ++b) EXPECT_NEAR(product(got, a, b), 0, 1e-9 * scale) << a << " " << b;
    }
  }
}

TEST(Pca, TheFurthestScoreOfAComponentIsPositive) {
  const Pca got = pca(sparse(ratings(100, 40, 0.3)), {.n_components = 6});
  for (int c = 0; c < 6; ++c) {
    double furthest = 0;
    for (std::int64_t r = 0; r < got.n_rows; ++r) {
      const double score = got.points().row(r)[static_cast<std::size_t>(c)];
      if (std::abs(score) > std::abs(furthest)) furthest = score;
    }
    EXPECT_GT(furthest, 0) << c;
  }
}

TEST(Pca, AllComponentsExplainAll) {
  for (const Dense& dense : {ratings(30, 12, 0.5), ratings(12, 30, 0.5)}) {
    const Pca got = pca(sparse(dense), {.n_components = 12});
    double sum = 0;
    for (const double ratio : got.explained_variance_ratio) sum += ratio;
    EXPECT_NEAR(sum, 1, 1e-12);
    // Scores times components give the centred matrix back.
    for (std::int64_t r = 0; r < dense.n_rows; ++r) {
      for (std::int64_t c = 0; c < dense.n_columns; ++c) {
        double value = got.mean[static_cast<std::size_t>(c)];
        for (std::int64_t k = 0; k < 12; ++k) {
          value += got.points().row(r)[static_cast<std::size_t>(k)] *
                   got.components[static_cast<std::size_t>(k * dense.n_columns + c)];
        }
        ASSERT_NEAR(value, dense.view().row(r)[static_cast<std::size_t>(c)], 1e-12);
      }
    }
  }
}

TEST(Pca, SparseIsDense) {
  for (const Dense& dense : {ratings(200, 50, 0.15), ratings(50, 200, 0.15)}) {
    const Pca a = pca(sparse(dense), {.n_components = 4});
    const Pca b = pca(dense.view(), {.n_components = 4});
    expect_near(a.explained_variance, b.explained_variance, 1e-12, "variance");
    EXPECT_NEAR(a.total_variance, b.total_variance, 1e-12 * b.total_variance);
    expect_near(a.scores, b.scores, 1e-7, "score");
    expect_near(a.components, b.components, 1e-7, "component");
  }
}

TEST(Pca, AShiftOfAColumnChangesItsMeanAlone) {
  const Dense dense = ratings(80, 20, 1.0);
  Dense shifted = dense;
  for (std::size_t i = 0; i < shifted.values.size(); ++i) {
    shifted.values[i] += static_cast<float>(i % 20) * 8;
  }
  const Pca before = pca(sparse(dense), {.n_components = 3});
  for (const Pca& after :
       {pca(sparse(shifted), {.n_components = 3}), pca(shifted.view(), {.n_components = 3})}) {
    for (std::size_t c = 0; c < 20; ++c) {
      EXPECT_NEAR(after.mean[c] - before.mean[c], 8.0 * static_cast<double>(c), 1e-10);
    }
    expect_near(after.explained_variance, before.explained_variance, 1e-10, "variance");
    expect_near(after.scores, before.scores, 1e-6, "score");
  }
}

// 2 tastes, so that 3 of the 5 components are nothing: 0, not NaN and no rounding.
TEST(Pca, FindsTheRank) {
  for (const bool tall : {true, false}) {
    const std::int64_t n_rows = tall ? 70 : 30, n_columns = tall ? 30 : 70;
    Dense dense{{}, n_rows, n_columns};
    for (std::int64_t r = 0; r < n_rows; ++r) {
      for (std::int64_t c = 0; c < n_columns; ++c) {
        dense.values.push_back(static_cast<float>((r % 5) * (c % 3) + 2 * (r % 7) * (c % 2) + 1));
      }
    }
    for (const Pca& got :
         {pca(sparse(dense), {.n_components = 5}), pca(dense.view(), {.n_components = 5})}) {
      EXPECT_GT(got.explained_variance_ratio[1], 0.1);
      EXPECT_NEAR(got.explained_variance_ratio[0] + got.explained_variance_ratio[1], 1, 1e-12);
      for (std::size_t k = 2; k < 5; ++k) {
        EXPECT_EQ(got.explained_variance[k], 0);
        EXPECT_EQ(got.explained_variance_ratio[k], 0);
        for (std::int64_t r = 0; r < n_rows; ++r) EXPECT_EQ(got.points().row(r)[k], 0);
      }
      for (const double component : got.components) EXPECT_TRUE(std::isfinite(component));
    }
  }
}

TEST(Pca, RowsThatAreAllAlikeHaveNoVariance) {
  // More than fit into one basis: whatever rounding makes of it does not settle.
  Dense dense{{}, 1000, 600};
  for (int i = 0; i < 1000 * 600; ++i) {
    dense.values.push_back(static_cast<float>(i % 600) / 7 + 0.1f);
  }
  CsrMatrix empty;
  empty.n_rows = 4;
  empty.n_columns = 3;
  empty.row_offsets = {0, 0, 0, 0, 0};
  for (const Pca& got : {pca(sparse(dense)), pca(dense.view()), pca(empty)}) {
    EXPECT_EQ(got.total_variance, 0);
    EXPECT_EQ(got.explained_variance, (std::vector<double>{0, 0}));
    EXPECT_EQ(got.explained_variance_ratio, (std::vector<double>{0, 0}));
    for (const double score : got.scores) EXPECT_EQ(score, 0);
  }
}

// Each row alone with a column of its own: n - 1 equal singular values, after centring. A single
// Lanczos vector sees one of them.
TEST(Pca, FindsEqualSingularValues) {
  CsrMatrix identity;
  identity.n_rows = identity.n_columns = 300;
  for (std::int32_t i = 0; i < 300; ++i) {
    identity.columns.push_back(i);
    identity.values.push_back(3);
    identity.row_offsets.push_back(i + 1);
  }
  const Pca got = pca(identity, {.n_components = 4});
  expect_near(got.explained_variance, std::vector<double>(4, 9.0 / 299), 1e-12, "variance");
}

// A diagonal whose squares fall by 1/600 each: many more vectors are needed than one basis takes,
// so that the iteration has to restart.
TEST(Pca, SettlesWhereTheSpectrumFallsSlowly) {
  constexpr std::int32_t kSize = 600;
  constexpr int kComponents = 3;
  CsrMatrix diagonal;
  diagonal.n_rows = diagonal.n_columns = kSize;
  std::vector<double> squares;
  for (std::int32_t i = 0; i < kSize; ++i) {
    const float value = std::sqrt(2 - static_cast<float>(i) / kSize);
    squares.push_back(static_cast<double>(value) * static_cast<double>(value));
    diagonal.columns.push_back(i);
    diagonal.values.push_back(value);
    diagonal.row_offsets.push_back(i + 1);
  }
  const Pca got = pca(diagonal, {.n_components = kComponents});
  const auto component = [&](std::size_t k, std::size_t c) {
    return got.components[k * kSize + c];
  };
  for (std::size_t k = 0; k < kComponents; ++k) {
    // Centring takes a matrix of rank 1 away, so that the eigenvalues interlace.
    const double eigenvalue = got.explained_variance[k] * (kSize - 1);
    EXPECT_LT(eigenvalue, squares[k]);
    EXPECT_GT(eigenvalue, squares[k + 1]);
    double of_mean = 0;
    for (std::size_t c = 0; c < kSize; ++c) of_mean += got.mean[c] * component(k, c);
    for (std::size_t c = 0; c < kSize; ++c) {
      ASSERT_NEAR(squares[c] * component(k, c) - kSize * got.mean[c] * of_mean,
                  eigenvalue * component(k, c), 1e-10);
    }
    for (std::size_t other = 0; other <= k; ++other) {
      double product = 0;
      for (std::size_t c = 0; c < kSize; ++c) product += component(k, c) * component(other, c);
      EXPECT_NEAR(product, other == k, 1e-12);
    }
  }
}

// The same spectrum in the deviations from large means: a product rounds 10^11 times as much as the
// centred matrix alone would have it, and the iteration settles all the same.
TEST(Pca, SettlesWhereTheMeansAreFarAway) {
  constexpr std::int64_t kSize = 300;
  Dense dense{std::vector<float>(kSize * kSize, 1024), kSize, kSize};
  for (std::int64_t i = 0; i < kSize; ++i) {
    dense.values[static_cast<std::size_t>(i * kSize + i)] +=
        std::sqrt(2 - static_cast<float>(i) / kSize);
  }
  const Pca got = pca(sparse(dense), {.n_components = 3});
  const Pca wanted = pca(dense.view(), {.n_components = 3});
  expect_near(got.explained_variance, wanted.explained_variance, 1e-5, "variance");
}

TEST(Pca, TheSameBitsForTheSameSeed) {
  const CsrMatrix matrix = sparse(ratings(120, 90, 0.2));
  const Pca a = pca(matrix), b = pca(matrix), other = pca(matrix, {.seed = 7});
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.components, b.components);
  EXPECT_EQ(a.explained_variance, b.explained_variance);
  EXPECT_NE(a.scores, other.scores);
  expect_near(a.scores, other.scores, 1e-8, "score");
}

TEST(Pca, EqualRowsHaveEqualScores) {
  Dense dense = ratings(64, 40, 0.3);
  std::copy(dense.values.begin(), dense.values.begin() + 40, dense.values.begin() + 57 * 40);
  const Pca got = pca(sparse(dense), {.n_components = 5});
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(got.points().row(0)[k], got.points().row(57)[k]);
}

TEST(Pca, RefusesWhatHasNoComponents) {
  const CsrMatrix matrix = sparse(ratings(6, 4, 0.9));
  EXPECT_NE(error_text([&] { pca(matrix, {.n_components = 5}); }).find("1 to 4"),
            std::string::npos);
  error_text([&] { pca(matrix, {.n_components = 0}); });
  EXPECT_NE(error_text([] { pca(sparse(ratings(1, 4, 1)), {.n_components = 1}); }).find("1 rows"),
            std::string::npos);
  Dense dense = ratings(6, 4, 0.9);
  dense.values[3] = std::numeric_limits<float>::quiet_NaN();
  error_text([&] { pca(dense.view()); });
}

}  // namespace
}  // namespace hourglass::test
