#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/model/predictor.h"

namespace hourglass {

/// What gives every cell of some rows a score: a model or a baseline.
class Scorer {
 public:
  virtual ~Scorer() = default;

  /// Whether the scores are ratings, or only an order.
  virtual bool predicts_ratings() const { return true; }
  /// Of rows first, first + 1, ...: out [n x n_columns].
  virtual void score_rows(std::int64_t first, std::span<float> out) = 0;
  /// Of columns first, first + 1, ...: out [n x n_rows].
  virtual void score_columns(std::int64_t first, std::span<float> out) = 0;
};

/// A network that is given some ratings of each row.
class ModelScorer : public Scorer {
 public:
  /// The predictor must outlive the scorer.
  ModelScorer(Predictor& predictor, const CsrMatrix& given)
      : predictor_(&predictor), hidden_(predictor.hidden(given)) {}

  void score_rows(std::int64_t first, std::span<float> out) override {
    predictor_->outputs(hidden_, first, out);
  }
  void score_columns(std::int64_t first, std::span<float> out) override {
    predictor_->column_outputs(hidden_, first, out);
  }

 private:
  Predictor* predictor_;
  HiddenRows hidden_;
};

/// row[r] + column[c]: what every baseline is.
class AdditiveScorer : public Scorer {
 public:
  AdditiveScorer(std::vector<float> row, std::vector<float> column, bool predicts_ratings)
      : row_(std::move(row)), column_(std::move(column)), predicts_ratings_(predicts_ratings) {}

  bool predicts_ratings() const override { return predicts_ratings_; }
  void score_rows(std::int64_t first, std::span<float> out) override;
  void score_columns(std::int64_t first, std::span<float> out) override;

 private:
  std::vector<float> row_, column_;
  bool predicts_ratings_;
};

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

  // Scorers of these rows of the ratings.
  AdditiveScorer global_mean(std::span<const std::int32_t> rows) const;
  AdditiveScorer biases(std::span<const std::int32_t> rows) const;
  AdditiveScorer popularity_within_rows(std::span<const std::int32_t> rows) const;
  AdditiveScorer popularity_within_columns(std::span<const std::int32_t> rows) const;
};

}  // namespace hourglass
