#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "hourglass/analysis/dense_view.h"
#include "hourglass/core/csr.h"
#include "hourglass/model/safetensors.h"

namespace hourglass::test {

/// scikit-learn's numbers (tests/golden/README.md).
inline SafetensorsFile golden(const std::string& name) {
  return SafetensorsFile(std::filesystem::path(HOURGLASS_GOLDEN_FOLDER) / "analysis" /
                         (name + ".safetensors"));
}

inline CsrMatrix golden_ratings(const SafetensorsFile& file) {
  CsrMatrix matrix;
  matrix.row_offsets = file.read_i64("ratings.row_offsets");
  matrix.columns = file.read_i32("ratings.columns");
  matrix.values = file.read_f32("ratings.values");
  matrix.n_rows = static_cast<std::int64_t>(matrix.row_offsets.size()) - 1;
  matrix.n_columns = file.read_i64("ratings.n_columns")[0];
  return matrix;
}

/// `values`, read from the tensor `name`, in its shape.
template <class T>
DenseView<T> in_shape(const SafetensorsFile& file, const std::string& name,
                      const std::vector<T>& values) {
  const Shape& shape = file.tensors().at(name).shape;
  return {values, shape.at(0), shape.at(1)};
}

/// Each element of `got` within tolerance * the greatest of `want`.
inline void expect_near(const std::vector<double>& got, const std::vector<double>& want,
                        double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double greatest = 0;
  for (const double value : want) greatest = std::max(greatest, std::abs(value));
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_FALSE(!(std::abs(got[i] - want[i]) <= tolerance * greatest))
        << what << "[" << i << "] is " << got[i] << ", not " << want[i];
  }
}

}  // namespace hourglass::test
