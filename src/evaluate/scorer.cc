#include "hourglass/evaluate/scorer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

/// out[i, j] = lines[first + i] + across[j].
void add_lines(std::span<const float> lines, std::int64_t first, std::span<const float> across,
               std::span<float> out) {
  const std::size_t width = across.size();
  for (std::size_t i = 0; i < (width == 0 ? 0 : out.size() / width); ++i) {
    const float line = lines[static_cast<std::size_t>(first) + i];
    std::transform(across.begin(), across.end(),
                   out.begin() + static_cast<std::ptrdiff_t>(i * width),
                   [line](float x) { return line + x; });
  }
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

void AdditiveScorer::score_rows(std::int64_t first, std::span<float> out) {
  add_lines(row_, first, column_, out);
}

void AdditiveScorer::score_columns(std::int64_t first, std::span<float> out) {
  add_lines(column_, first, row_, out);
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

AdditiveScorer Baselines::global_mean(std::span<const std::int32_t> rows) const {
  return {std::vector<float>(rows.size(), static_cast<float>(mean)),
          std::vector<float>(column_bias.size()), true};
}

AdditiveScorer Baselines::biases(std::span<const std::int32_t> rows) const {
  return {picked(row_bias, rows, mean), floats(column_bias), true};
}

AdditiveScorer Baselines::popularity_within_rows(std::span<const std::int32_t> rows) const {
  return {std::vector<float>(rows.size()), floats(column_count), false};
}

AdditiveScorer Baselines::popularity_within_columns(std::span<const std::int32_t> rows) const {
  return {picked(row_count, rows), std::vector<float>(column_bias.size()), false};
}

}  // namespace hourglass
