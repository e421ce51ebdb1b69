#include "evaluate/error_sums.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

/// Of any max_rows rows at a time.
std::int64_t most_entries(const CsrMatrix& matrix, std::int64_t max_rows) {
  std::int64_t most = 0;
  for (std::int64_t first = 0; first < matrix.n_rows; first += max_rows) {
    const auto last = static_cast<std::size_t>(std::min(matrix.n_rows, first + max_rows));
    most = std::max(most,
                    matrix.row_offsets[last] - matrix.row_offsets[static_cast<std::size_t>(first)]);
  }
  return most;
}

}  // namespace

ErrorSums::Cells::Cells(Backend& backend, const CsrMatrix& ratings, std::int64_t max_rows)
    : backend_(&backend),
      ratings_(&ratings),
      on_device_(backend, ratings),
      picked_(backend, most_entries(ratings, max_rows)) {}

PickCells ErrorSums::Cells::pick(std::int64_t first) {
  PickCells op;
  op.cells = on_device_.ptr();
  op.first_row = first;
  op.values = picked_.ptr();
  return op;
}

void ErrorSums::Cells::take(std::int64_t first, std::int64_t n) {
  first_ = first;
  scores_.resize(static_cast<std::size_t>(offset(first + n) - offset(first)));
  backend_->download(std::span(scores_), Ptr<const float>(picked_.ptr()));
}

template <class Use>
void ErrorSums::Cells::for_each(std::int64_t row, const Use& use) const {
  const auto values = ratings_->row_values(row);
  const auto begin = static_cast<std::size_t>(offset(row) - offset(first_));
  for (std::size_t i = 0; i < values.size(); ++i) use(values[i], scores_[begin + i]);
}

ErrorSums::ErrorSums(Backend& backend, const HiddenSample& sample, float threshold,
                     std::int64_t max_rows)
    : backend_(&backend),
      sample_(&sample),
      threshold_(threshold),
      given_(backend, sample.given, max_rows),
      hidden_(backend, sample.hidden, max_rows),
      squares_of_row_(backend, max_rows),
      n_above_of_row_(backend, max_rows),
      predictions_(distribution_of_hidden(sample)) {
  if (sample.others.n_rows > 0) others_.emplace(backend, sample.others, max_rows);
  std::ranges::fill(predictions_.counts, 0);
  predictions_.below = predictions_.above = 0;
}

void ErrorSums::ask(ScoreRows& op, std::int64_t first) {
  op.sums.threshold = threshold_;
  op.sums.squares = squares_of_row_.ptr();
  op.sums.n_above = n_above_of_row_.ptr();
  op.picks = {given_.pick(first), hidden_.pick(first)};
  if (others_) op.picks.back() = others_->pick(first);
}

void ErrorSums::take(std::int64_t first, std::int64_t n) {
  given_.take(first, n);
  if (others_) others_->take(first, n);
  hidden_.take(first, n);
  std::vector<double> squares(static_cast<std::size_t>(n));
  std::vector<std::int64_t> n_above(squares.size());
  backend_->download(std::span(squares), Ptr<const double>(squares_of_row_.ptr()));
  backend_->download(std::span(n_above), Ptr<const std::int64_t>(n_above_of_row_.ptr()));
  for (std::size_t i = 0; i < squares.size(); ++i) {
    add_row(first + static_cast<std::int64_t>(i), squares[i]);
  }
  n_above_ = std::accumulate(n_above.begin(), n_above.end(), n_above_);
}

void ErrorSums::add_row(std::int64_t row, double squares) {
  if (!std::isfinite(squares)) {
    throw Error(
        fmt::format("a prediction for row {} of the sample is not finite: the model "
                    "does not fit these ratings; train it anew",
                    row + 1));
  }
  // A cell without a rating counts as 0; those with one are put right.
  const auto correct = [&](float rating, float predicted) {
    const double score = predicted, error = score - rating;
    squares += error * error - score * score;
    return error;
  };
  given_.for_each(row, correct);
  if (others_) others_->for_each(row, correct);
  hidden_.for_each(row, [&](float rating, float score) {
    const double error = correct(rating, score);
    squares_ += error * error;
    absolute_ += std::abs(error);
    predictions_.add(score);
  });
  all_squares_ += squares;
}

RatingErrors ErrorSums::result() const {
  const auto n = static_cast<double>(sample_->hidden.n_entries());
  const double n_cells =
      static_cast<double>(sample_->given.n_rows) * static_cast<double>(sample_->given.n_columns);
  return {.rmse = std::sqrt(squares_ / n),
          .mae = absolute_ / n,
          .rmse_all_cells = std::sqrt(std::max(all_squares_, 0.0) / n_cells),
          .n_above_threshold = n_above_,
          .predictions = predictions_};
}

}  // namespace hourglass
