// PCA against scikit-learn's numbers.
#include <gtest/gtest.h>

#include "analysis/golden.h"
#include "hourglass/analysis/pca.h"

namespace hourglass::test {
namespace {

// Vectors of eigenvalues that are 0.3 % apart, the least distance here, are known 300 times less
// well than the residual at which the iteration ends, 1e-11.
constexpr double kTolerance = 1e-8;

void expect_scikit_learns(const Pca& got, const SafetensorsFile& file) {
  expect_near(got.explained_variance, file.read_f64("explained_variance"), 1e-12, "variance");
  expect_near(got.explained_variance_ratio, file.read_f64("explained_variance_ratio"), 1e-12,
              "ratio");
  expect_near(got.mean, file.read_f64("mean"), 1e-14, "mean");
  expect_near(got.components, file.read_f64("components"), kTolerance, "component");
  expect_near(got.scores, file.read_f64("scores"), kTolerance, "score");
}

PcaOptions options_of(const SafetensorsFile& file) {
  return {.n_components = static_cast<int>(file.tensors().at("explained_variance").shape.at(0))};
}

TEST(PcaGolden, Sparse) {
  for (const char* name : {"pca_sparse_tall", "pca_sparse_wide"}) {
    SCOPED_TRACE(name);
    const SafetensorsFile file = golden(name);
    expect_scikit_learns(pca(golden_ratings(file), options_of(file)), file);
  }
}

TEST(PcaGolden, Dense) {
  const SafetensorsFile file = golden("pca_dense");
  const std::vector<float> codes = file.read_f32("codes");
  expect_scikit_learns(pca(in_shape(file, "codes", codes), options_of(file)), file);
}

}  // namespace
}  // namespace hourglass::test
