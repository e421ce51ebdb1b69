#include "hourglass/evaluate/scorer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "hourglass/core/error.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass {
namespace {

constexpr std::int64_t kScoresAtATime = std::int64_t{1} << 22;
constexpr std::int64_t kMostLines = 128;

/// [n x width] with its rows padded.
std::vector<float> padded_rows(std::span<const float> rows, std::int64_t width) {
  const auto n = static_cast<std::size_t>(width);
  std::vector<float> out(rows.size() / n * static_cast<std::size_t>(padded(width)));
  for (std::size_t r = 0; r < rows.size() / n; ++r) {
    std::ranges::copy(rows.subspan(r * n, n),
                      out.begin() + static_cast<std::ptrdiff_t>(r) * padded(width));
  }
  return out;
}

bool are_alike(std::span<const float> rows, std::int64_t width) {
  const auto n = static_cast<std::size_t>(width);
  for (std::size_t i = n; i < rows.size(); ++i) {
    if (rows[i] != rows[i - n]) return false;
  }
  return true;
}

/// row[r] + column[c], by the pairs (row[r], 1) and (1, column[c]): their product is that sum,
/// rounded once.
Scorer sum_of(Backend& backend, const std::vector<float>& row, const std::vector<float>& column,
              bool predicts_ratings) {
  std::vector<float> rows, columns;
  for (const float x : row) rows.insert(rows.end(), {x, 1.0F});
  for (const float x : column) columns.insert(columns.end(), {1.0F, x});
  return {backend, rows, columns, 2, predicts_ratings};
}

template <class T>
std::vector<float> picked(const std::vector<T>& values, std::span<const std::int32_t> rows,
                          double plus = 0) {
  std::vector<float> out;
  out.reserve(rows.size());
  for (const std::int32_t row : rows) {
    out.push_back(
        static_cast<float>(static_cast<double>(values[static_cast<std::size_t>(row)]) + plus));
  }
  return out;
}

template <class T>
std::vector<float> floats(const std::vector<T>& values) {
  std::vector<float> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [](T value) { return static_cast<float>(value); });
  return out;
}

}  // namespace

ScoreRoom::ScoreRoom(Backend& backend, std::int64_t n_rows, std::int64_t n_columns) {
  if (!backend.forms_scores()) return;
  memory_ = Buffer<float>(backend, n_rows * padded(n_columns));
  scores_ = {memory_.ptr(), padded(n_columns)};
}

Scorer::Scorer(Backend& backend, std::span<const float> rows, std::span<const float> columns,
               std::int64_t width, bool predicts_ratings)
    : backend_(&backend),
      predicts_ratings_(predicts_ratings),
      rows_alike_(are_alike(rows, width)),
      rows_(backend, std::span<const float>(padded_rows(rows, width))),
      columns_(backend, std::span<const float>(padded_rows(columns, width))),
      factors_{.rows = {rows_.ptr(), padded(width)},
               .columns = {columns_.ptr(), padded(width)},
               .n_rows = std::ssize(rows) / width,
               .n_columns = std::ssize(columns) / width,
               .width = width} {}

Scorer::Scorer(Predictor& predictor, const CsrMatrix& given)
    : backend_(&predictor.backend()),
      predicts_ratings_(true),
      hidden_(predictor.hidden(given)),
      factors_(predictor.factors(hidden_)) {}

ScoreRows Scorer::score_rows(std::int64_t first, std::int64_t n, const ScoreRoom& room) const {
  const Matrix<const float>& rows = factors_.rows;
  ScoreRows op;
  op.product = {.hidden = rows_alike_
                              ? Matrix<const float>{rows.data, 0}
                              : Matrix<const float>{rows.data + first * rows.stride, rows.stride},
                .weight = factors_.columns,
                .n_rows = n,
                .n_columns = factors_.n_columns,
                .width = factors_.width,
                .out = room.scores()};
  return op;
}

void Scorer::score_columns(std::span<const std::int32_t> columns, Matrix<float> out) {
  // The columns' factors, side by side: a sparse matrix with one 1 a row picks them.
  const auto n = std::ssize(columns);
  CsrMatrix ones;
  ones.n_rows = n;
  ones.n_columns = factors_.n_columns;
  ones.row_offsets.resize(columns.size() + 1);
  std::iota(ones.row_offsets.begin(), ones.row_offsets.end(), std::int64_t{0});
  ones.columns.assign(columns.begin(), columns.end());
  ones.values.assign(columns.size(), 1.0F);
  std::vector<std::int32_t> in_order(columns.size());
  std::iota(in_order.begin(), in_order.end(), 0);
  const CsrBuffer matrix(*backend_, ones);
  const Buffer<std::int32_t> rows(*backend_, std::span<const std::int32_t>(in_order));
  const std::int64_t stride = padded(factors_.width);
  Buffer<float> picked(*backend_, n * stride);
  backend_->run(GatherRows{.batch = {matrix.ptr(), rows.ptr(), static_cast<std::int32_t>(n)},
                           .weight = factors_.columns,
                           .width = factors_.width,
                           .out = {picked.ptr(), stride}});
  backend_->run(OutputForward{.hidden = Matrix<float>{picked.ptr(), stride},
                              .weight = factors_.rows,
                              .n_rows = n,
                              .n_columns = factors_.n_rows,
                              .width = factors_.width,
                              .out = out});
  backend_->synchronize();  // what the product reads goes with this call
}

std::int64_t lines_at_a_time(std::int64_t length) {
  return std::clamp<std::int64_t>(kScoresAtATime / std::max<std::int64_t>(length, 1), 1,
                                  kMostLines);
}

std::int64_t rows_at_a_time(const Backend& backend, std::int64_t n_columns, std::int64_t k) {
  if (backend.forms_scores()) return lines_at_a_time(n_columns);
  constexpr std::int64_t kMostRows = 288;  // what is kept of them stays in a cache
  constexpr std::int64_t kBestAtATime = std::int64_t{1} << 19;  // each is kept a few times
  return std::clamp<std::int64_t>(kBestAtATime / std::max<std::int64_t>(k, 1), 1, kMostRows);
}

Baselines::Baselines(const CsrMatrix& ratings)
    : row_bias(static_cast<std::size_t>(ratings.n_rows)),
      column_bias(static_cast<std::size_t>(ratings.n_columns)),
      row_count(row_bias.size()),
      column_count(column_bias.size()) {
  if (ratings.n_entries() == 0) throw Error("there are no ratings to fit the baselines on");
  mean = std::accumulate(ratings.values.begin(), ratings.values.end(), 0.0) /
         static_cast<double>(ratings.n_entries());
  const auto for_each_rating = [&](const auto& use) {
    for (std::size_t r = 0; r < row_bias.size(); ++r) {
      for (auto e = static_cast<std::size_t>(ratings.row_offsets[r]);
           e < static_cast<std::size_t>(ratings.row_offsets[r + 1]); ++e) {
        use(r, static_cast<std::size_t>(ratings.columns[e]), ratings.values[e]);
      }
    }
  };
  for_each_rating([&](std::size_t r, std::size_t c, float) {
    ++row_count[r];
    ++column_count[c];
  });
  const auto fit = [](std::vector<double>& bias, const std::vector<double>& residual,
                      const std::vector<std::int64_t>& count) {
    double moved = 0;
    for (std::size_t i = 0; i < bias.size(); ++i) {
      const double before = bias[i];
      bias[i] = residual[i] / (static_cast<double>(count[i]) + kBiasPenalty);
      moved = std::max(moved, std::abs(bias[i] - before));
    }
    return moved;
  };
  double moved = 1;
  for (int sweep = 0; sweep < kMostBiasSweeps && moved > kBiasTolerance; ++sweep) {
    std::vector<double> residual(column_bias.size());
    for_each_rating(
        [&](std::size_t r, std::size_t c, float x) { residual[c] += x - mean - row_bias[r]; });
    moved = fit(column_bias, residual, column_count);
    residual.assign(row_bias.size(), 0);
    for_each_rating(
        [&](std::size_t r, std::size_t c, float x) { residual[r] += x - mean - column_bias[c]; });
    moved = std::max(moved, fit(row_bias, residual, row_count));
  }
}

Scorer Baselines::global_mean(Backend& backend, std::span<const std::int32_t> rows) const {
  return sum_of(backend, std::vector<float>(rows.size(), static_cast<float>(mean)),
                std::vector<float>(column_bias.size()), true);
}

Scorer Baselines::biases(Backend& backend, std::span<const std::int32_t> rows) const {
  return sum_of(backend, picked(row_bias, rows, mean), floats(column_bias), true);
}

Scorer Baselines::popularity_within_rows(Backend& backend,
                                         std::span<const std::int32_t> rows) const {
  return sum_of(backend, std::vector<float>(rows.size()), floats(column_count), false);
}

Scorer Baselines::popularity_within_columns(Backend& backend,
                                            std::span<const std::int32_t> rows) const {
  return sum_of(backend, picked(row_count, rows), std::vector<float>(column_bias.size()), false);
}

}  // namespace hourglass
