#include "hourglass/evaluate/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>

#include "hourglass/core/error.h"
#include "hourglass/data/transposed.h"
#include "hourglass/evaluate/top_k.h"

namespace hourglass {
namespace {

constexpr std::int64_t kScoresAtATime = std::int64_t{1} << 22;
constexpr std::int64_t kMostLines = 128;  // a block's lines: enough for a product to be fast
constexpr int kIntervals = 40;
constexpr float kExcluded = -std::numeric_limits<float>::infinity();

std::int64_t lines_at_a_time(std::int64_t length) {
  return std::clamp<std::int64_t>(kScoresAtATime / std::max<std::int64_t>(length, 1), 1,
                                  kMostLines);
}

/// The sum of squares in a fixed order that a compiler can make vectors of.
double sum_of_squares(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      const double x = values[i + j];
      sums[j] += x * x;
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    sums[0] += static_cast<double>(values[i]) * values[i];
  }
  double sum = 0;
  for (const double s : sums) sum += s;
  return sum;
}

/// Sums over the rows of the sample, one after the other.
class ErrorSums {
 public:
  ErrorSums(const HiddenSample& sample, float threshold)
      : sample_(&sample), threshold_(threshold), predictions_(distribution_of_hidden(sample)) {
    std::ranges::fill(predictions_.counts, 0);
    predictions_.below = predictions_.above = 0;
  }

  void add_row(std::int64_t row, std::span<const float> scores) {
    double all = sum_of_squares(scores);
    if (!std::isfinite(all)) {
      throw Error(
          fmt::format("a prediction for row {} of the sample is not finite: the model "
                      "does not fit these ratings; train it anew",
                      row + 1));
    }
    // A cell without a rating counts as 0; those with one are put right.
    const auto correct = [&](const CsrMatrix& part, const auto& use_error) {
      const auto columns = part.row_columns(row);
      const auto values = part.row_values(row);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const double score = scores[static_cast<std::size_t>(columns[i])];
        const double error = score - values[i];
        all += error * error - score * score;
        use_error(error, scores[static_cast<std::size_t>(columns[i])]);
      }
    };
    correct(sample_->given, [](double, float) {});
    if (sample_->others.n_rows > 0) correct(sample_->others, [](double, float) {});
    correct(sample_->hidden, [&](double error, float score) {
      squares_ += error * error;
      absolute_ += std::abs(error);
      predictions_.add(score);
    });
    all_squares_ += all;
    n_above_ += std::count_if(scores.begin(), scores.end(),
                              [this](float score) { return score > threshold_; });
  }

  RatingErrors result() const {
    const auto n = static_cast<double>(sample_->hidden.n_entries());
    const double n_cells =
        static_cast<double>(sample_->given.n_rows) * static_cast<double>(sample_->given.n_columns);
    return {.rmse = std::sqrt(squares_ / n),
            .mae = absolute_ / n,
            .rmse_all_cells = std::sqrt(std::max(all_squares_, 0.0) / n_cells),
            .n_above_threshold = n_above_,
            .predictions = predictions_};
  }

 private:
  const HiddenSample* sample_;
  float threshold_;
  double squares_ = 0, absolute_ = 0, all_squares_ = 0;
  std::int64_t n_above_ = 0;
  Distribution predictions_;
};

/// Means over lines, one after the other.
class RankingSums {
 public:
  explicit RankingSums(std::int64_t k) : k_(k), top_(k) {}

  /// A line's candidates are those not given; changes the scores of the others.
  void add_line(std::span<float> scores, std::span<const std::int32_t> given,
                std::span<const std::int32_t> relevant) {
    if (relevant.empty()) return;
    for (const std::int32_t index : given) scores[static_cast<std::size_t>(index)] = kExcluded;
    double dcg = 0;
    std::int64_t hits = 0, rank = 0;
    for (const Scored& candidate : top_.of(scores)) {
      ++rank;
      if (!std::ranges::binary_search(relevant, candidate.index)) continue;
      ++hits;
      dcg += gain(rank);
    }
    const std::int64_t possible = std::min<std::int64_t>(k_, std::ssize(relevant));
    double ideal = 0;
    for (std::int64_t r = 1; r <= possible; ++r) ideal += gain(r);
    recall_ += static_cast<double>(hits) / static_cast<double>(possible);
    ndcg_ += dcg / ideal;
    n_hit_ += hits > 0;
    ++n_lines_;
  }

  RankingQuality result() const {
    const double n = static_cast<double>(n_lines_);
    return {recall_ / n, ndcg_ / n, static_cast<double>(n_hit_) / n};
  }

 private:
  static double gain(std::int64_t rank) { return 1 / std::log2(static_cast<double>(rank + 1)); }

  std::int64_t k_;
  TopK top_;
  double recall_ = 0, ndcg_ = 0;
  std::int64_t n_hit_ = 0, n_lines_ = 0;
};

/// use(line, its scores) for n_lines lines of `length` scores, which score(first, block) fills.
/// Blocks that no line is wanted of are left out.
void for_each_line(std::int64_t n_lines, std::int64_t length,
                   const std::function<bool(std::int64_t)>& wanted,
                   const std::function<void(std::int64_t, std::span<float>)>& score,
                   const std::function<void(std::int64_t, std::span<float>)>& use) {
  const std::int64_t at_a_time = lines_at_a_time(length);
  std::vector<float> block(static_cast<std::size_t>(std::min(at_a_time, n_lines) * length));
  for (std::int64_t first = 0; first < n_lines; first += at_a_time) {
    const std::int64_t n = std::min(at_a_time, n_lines - first);
    bool any = false;
    for (std::int64_t i = first; i < first + n; ++i) any |= wanted(i);
    if (!any) continue;
    const auto scores = std::span(block).first(static_cast<std::size_t>(n * length));
    score(first, scores);
    for (std::int64_t i = 0; i < n; ++i) {
      use(first + i,
          scores.subspan(static_cast<std::size_t>(i * length), static_cast<std::size_t>(length)));
    }
  }
}

}  // namespace

Distribution::Distribution(float low, float high, int n)
    : edges(static_cast<std::size_t>(n) + 1), counts(static_cast<std::size_t>(n)) {
  const double width = (static_cast<double>(high) - low) / n;
  for (int i = 0; i < n; ++i)
    edges[static_cast<std::size_t>(i)] = static_cast<float>(low + i * width);
  edges.back() = high;
}

void Distribution::add(float value) {
  if (value < edges.front()) {
    ++below;
  } else if (value > edges.back()) {
    ++above;
  } else {
    const auto edge = std::upper_bound(edges.begin(), edges.end() - 1, value);
    ++counts[static_cast<std::size_t>(edge - edges.begin()) - 1];
  }
}

Distribution distribution_of_hidden(const HiddenSample& sample) {
  const auto& values = sample.hidden.values;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float least = std::min(*low, 0.0F);  // where models of all cells pull their predictions
  Distribution distribution(least, *high > least ? *high : least + 1, kIntervals);
  for (const float value : values) distribution.add(value);
  return distribution;
}

std::int64_t count_ranked(const HiddenSample& sample, RankWithin within) {
  const CsrMatrix& hidden = sample.hidden;
  if (within == RankWithin::kRow) {
    std::int64_t n = 0;
    for (std::int64_t row = 0; row < hidden.n_rows; ++row) n += hidden.row_length(row) > 0;
    return n;
  }
  std::vector<bool> seen(static_cast<std::size_t>(hidden.n_columns));
  for (const std::int32_t column : hidden.columns) seen[static_cast<std::size_t>(column)] = true;
  return std::ranges::count(seen, true);
}

Evaluation evaluate(Scorer& scorer, const HiddenSample& sample, const EvaluationOptions& options) {
  const std::int64_t n_rows = sample.given.n_rows, n_columns = sample.given.n_columns;
  const bool by_row = options.within == RankWithin::kRow;
  const std::int64_t n_candidates = by_row ? n_columns : n_rows;
  if (options.k > n_candidates) {
    throw Error(fmt::format("--k {}: there are only {} {} to put in order; lower it", options.k,
                            n_candidates, by_row ? "columns" : "rows"));
  }
  Evaluation evaluation;
  ErrorSums errors(sample, options.threshold);
  RankingSums ranking(options.k);
  if (by_row || scorer.predicts_ratings()) {
    for_each_line(
        n_rows, n_columns, [](std::int64_t) { return true; },
        [&](std::int64_t first, std::span<float> out) { scorer.score_rows(first, out); },
        [&](std::int64_t row, std::span<float> scores) {
          if (scorer.predicts_ratings()) errors.add_row(row, scores);
          if (by_row) {
            ranking.add_line(scores, sample.given.row_columns(row), sample.hidden.row_columns(row));
          }
        });
  }
  if (!by_row) {
    const CsrMatrix given = transposed(sample.given), hidden = transposed(sample.hidden);
    for_each_line(
        n_columns, n_rows, [&](std::int64_t column) { return hidden.row_length(column) > 0; },
        [&](std::int64_t first, std::span<float> out) { scorer.score_columns(first, out); },
        [&](std::int64_t column, std::span<float> scores) {
          ranking.add_line(scores, given.row_columns(column), hidden.row_columns(column));
        });
  }
  if (scorer.predicts_ratings()) evaluation.errors = errors.result();
  evaluation.ranking = ranking.result();
  return evaluation;
}

}  // namespace hourglass
