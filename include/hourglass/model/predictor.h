#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/model_file.h"
#include "hourglass/ops/backend.h"

namespace hourglass {

/// The last hidden activations of some rows, in a backend's memory: all their outputs follow from
/// these by one product.
struct HiddenRows {
  Buffer<float> values;  ///< [n_rows x padded(width)], a 1 after each row's units
  std::int64_t n_rows = 0;
};

/// The outputs of some rows as a product, in a backend's memory: that of row r at column c is the
/// inner product of row r of `rows` and row c of `columns`.
struct OutputFactors {
  Matrix<const float> rows;     ///< [n_rows x width]
  Matrix<const float> columns;  ///< [n_columns x width]
  std::int64_t n_rows = 0, n_columns = 0, width = 0;
};

/// A trained network in a backend's memory, without anything that only training needs. The ratings
/// given to it must have the model's columns, position by position (align_columns makes them so);
/// Error where their number is another.
class Predictor {
 public:
  /// The backend must outlive the predictor; the model need not. Throws Error where it is too deep.
  Predictor(Backend& backend, const Model& model);

  Backend& backend() const { return *backend_; }
  std::int64_t n_columns() const { return shape_.n_columns; }
  int bottleneck() const { return shape_.bottleneck; }

  /// Of every row of `ratings`.
  HiddenRows hidden(const CsrMatrix& ratings);
  /// The codes of every row, [n_rows x bottleneck()].
  std::vector<float> codes(const CsrMatrix& ratings);

  /// The outputs of rows first, first + 1, ... to host memory: [n x n_columns()] of n rows.
  void outputs(const HiddenRows& hidden, std::int64_t first, std::span<float> out);
  /// For who uses the outputs where they are. Valid while both this and `hidden` live.
  OutputFactors factors(const HiddenRows& hidden) const;

 private:
  struct Weights {
    Buffer<float> values;
    Matrix<float> rows;
  };
  /// Runs the layers below `layer` and it, on each row: its activations, with the 1 behind.
  HiddenRows run_to(std::size_t layer, const CsrMatrix& ratings);

  Backend* backend_;
  NetworkShape shape_;
  std::vector<LayerShape> layers_;
  std::vector<Weights> weights_;            ///< a layer each
  std::vector<Buffer<float>> activations_;  ///< of the layers but the last: [batch x (out + 1)]
  Buffer<float> outputs_;
};

/// The network's outputs for these rows of `ratings`, in that order: [rows.size() x n_columns],
/// row-major. A row may come twice. Throws Predictor's Error, std::out_of_range for a row that is
/// not there.
std::vector<float> predict(Backend& backend, const Model& model, const CsrMatrix& ratings,
                           std::span<const std::int32_t> rows);

}  // namespace hourglass
