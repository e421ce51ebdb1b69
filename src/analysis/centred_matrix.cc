#include "analysis/centred_matrix.h"

#include <cstdint>
#include <vector>

namespace hourglass::analysis {
namespace {

class SparseCentred final : public CentredMatrix {
 public:
  explicit SparseCentred(const CsrMatrix& matrix)
      : CentredMatrix(matrix.n_rows, matrix.n_columns), matrix_(matrix) {
    std::vector<std::int64_t> n_entries(static_cast<std::size_t>(matrix.n_columns));
    for (std::size_t e = 0; e < matrix.values.size(); ++e) {
      const double value = matrix.values[e];
      mean_[matrix.columns[e]] += value;
      summed_squared_norm_ += value * value;
      ++n_entries[static_cast<std::size_t>(matrix.columns[e])];
    }
    mean_ /= static_cast<double>(matrix.n_rows);
    // From the deviations themselves: sum(v^2) - n mean^2 would cancel.
    for (std::size_t e = 0; e < matrix.values.size(); ++e) {
      const double deviation = matrix.values[e] - mean_[matrix.columns[e]];
      squared_norm_ += deviation * deviation;
    }
    for (std::int64_t c = 0; c < matrix.n_columns; ++c) {
      const auto n_zeros = matrix.n_rows - n_entries[static_cast<std::size_t>(c)];
      squared_norm_ += static_cast<double>(n_zeros) * mean_[c] * mean_[c];
    }
  }

  Block times(const Block& x) const override {
    const Eigen::RowVectorXd of_mean = mean_.transpose() * x;
    Block y = Block::Zero(n_rows(), x.cols());
    for_each_entry([&](std::int64_t row, std::int32_t column, double value) {
      y.row(row) += value * x.row(column);
    });
    y.rowwise() -= of_mean;
    return y;
  }

  Block transposed_times(const Block& y) const override {
    const Eigen::RowVectorXd sums = y.colwise().sum();
    Block x = Block::Zero(n_columns(), y.cols());
    for_each_entry([&](std::int64_t row, std::int32_t column, double value) {
      x.row(column) += value * y.row(row);
    });
    x.noalias() -= mean_ * sums;
    return x;
  }

 private:
  template <class Use>
  void for_each_entry(const Use& use) const {
    for (std::int64_t row = 0; row < matrix_.n_rows; ++row) {
      const auto begin =
          static_cast<std::size_t>(matrix_.row_offsets[static_cast<std::size_t>(row)]);
      const auto end = begin + static_cast<std::size_t>(matrix_.row_length(row));
      for (std::size_t e = begin; e < end; ++e) use(row, matrix_.columns[e], matrix_.values[e]);
    }
  }

  const CsrMatrix& matrix_;
};

class DenseCentred final : public CentredMatrix {
 public:
  explicit DenseCentred(DenseView<float> matrix)
      : CentredMatrix(matrix.n_rows, matrix.n_columns),
        values_(
            Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                matrix.values.data(), matrix.n_rows, matrix.n_columns)
                .cast<double>()) {
    mean_ = values_.colwise().sum().transpose() / static_cast<double>(matrix.n_rows);
    values_.rowwise() -= mean_.transpose();
    squared_norm_ = summed_squared_norm_ = values_.squaredNorm();
  }

  Block times(const Block& x) const override { return values_ * x; }
  Block transposed_times(const Block& y) const override { return values_.transpose() * y; }

 private:
  Block values_;
};

}  // namespace

std::unique_ptr<CentredMatrix> centred(const CsrMatrix& matrix) {
  return std::make_unique<SparseCentred>(matrix);
}

std::unique_ptr<CentredMatrix> centred(DenseView<float> matrix) {
  return std::make_unique<DenseCentred>(matrix);
}

}  // namespace hourglass::analysis
