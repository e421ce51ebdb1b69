#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/predictor.h"

namespace hourglass {

/// Room for the scores of some rows, where a backend needs it.
class ScoreRoom {
 public:
  ScoreRoom(Backend& backend, std::int64_t n_rows, std::int64_t n_columns);
  Matrix<float> scores() const { return scores_; }

 private:
  Buffer<float> memory_;
  Matrix<float> scores_;
};

/// Rows that are scored at a time for the k best of each: where all their scores are formed, as
/// lines_at_a_time(); else so many that what is done once for all of them is little.
std::int64_t rows_at_a_time(const Backend& backend, std::int64_t n_columns, std::int64_t k);

/// What gives every cell of some rows a score: a model or a baseline. Either is a product of two
/// narrow matrices, so that scores are formed where they are used, in a backend's memory.
class Scorer {
 public:
  /// Cell (r, c) is the inner product of row r of `rows` [n_rows x width] and row c of `columns`
  /// [n_columns x width]. Without `predicts_ratings` scores are only an order.
  Scorer(Backend& backend, std::span<const float> rows, std::span<const float> columns,
         std::int64_t width, bool predicts_ratings = true);
  /// A network that is given some ratings of each row. The predictor must outlive the scorer.
  Scorer(Predictor& predictor, const CsrMatrix& given);

  Backend& backend() const { return *backend_; }
  std::int64_t n_rows() const { return factors_.n_rows; }
  std::int64_t n_columns() const { return factors_.n_columns; }
  bool predicts_ratings() const { return predicts_ratings_; }

  /// What scores rows first, first + 1, ..., first + n - 1. `room` is for as many. The caller says
  /// what is wanted of them, and runs it.
  ScoreRows score_rows(std::int64_t first, std::int64_t n, const ScoreRoom& room) const;
  /// Of these columns: out [columns.size() x n_rows].
  void score_columns(std::span<const std::int32_t> columns, Matrix<float> out);

 private:
  Backend* backend_;
  bool predicts_ratings_;
  bool rows_alike_ = false;
  Buffer<float> rows_, columns_;  ///< of a product of our own
  HiddenRows hidden_;             ///< of a network's
  OutputFactors factors_;
};

/// Lines of `length` scores that are formed at a time: a few million scores, and no more lines than
/// a product needs to be fast.
std::int64_t lines_at_a_time(std::int64_t length);

/// Baselines, fitted on what a model was trained on.
///   global mean: every cell is the mean mu of the ratings
///   biases: mu + b_row + b_column, by alternating least squares with a penalty of kBiasPenalty
///     times each bias's square (Koren, Factor in the neighbors, 2010, section 2.1)
///   popularity: the number of ratings of the column (within a row), or of the row (within a
///   column)
struct Baselines {
  double mean = 0;
  std::vector<double> row_bias, column_bias;
  std::vector<std::int64_t> row_count, column_count;

  static constexpr double kBiasPenalty = 10;
  static constexpr double kBiasTolerance =
      1e-9;  ///< a sweep that moves no bias by more is the last
  static constexpr int kMostBiasSweeps = 1000;

  /// Throws Error where `ratings` has none.
  explicit Baselines(const CsrMatrix& ratings);

  // Scorers of these rows of the ratings. The backend must outlive them.
  Scorer global_mean(Backend& backend, std::span<const std::int32_t> rows) const;
  Scorer biases(Backend& backend, std::span<const std::int32_t> rows) const;
  Scorer popularity_within_rows(Backend& backend, std::span<const std::int32_t> rows) const;
  Scorer popularity_within_columns(Backend& backend, std::span<const std::int32_t> rows) const;
};

}  // namespace hourglass
