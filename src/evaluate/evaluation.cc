#include "hourglass/evaluate/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "evaluate/error_sums.h"
#include "hourglass/core/error.h"
#include "hourglass/data/select_rows.h"
#include "hourglass/data/transposed.h"
#include "hourglass/evaluate/top_k.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass {
namespace {

constexpr int kIntervals = 40;

/// Means over lines, one after the other.
class RankingSums {
 public:
  explicit RankingSums(std::int64_t k) : k_(k) {}

  /// The first k of a line's candidates, best first, and those that are relevant, ascending.
  void add_line(std::span<const Scored> best, std::span<const std::int32_t> relevant) {
    if (relevant.empty()) return;
    double dcg = 0;
    std::int64_t hits = 0, rank = 0;
    for (const Scored& candidate : best) {
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
  double recall_ = 0, ndcg_ = 0;
  std::int64_t n_hit_ = 0, n_lines_ = 0;
};

/// Scores of some lines at a time, in a backend's memory.
class Block {
 public:
  Block(Backend& backend, std::int64_t n_lines, std::int64_t length)
      : max_lines_(std::min(lines_at_a_time(length), n_lines)),
        stride_(padded(length)),
        memory_(backend, max_lines_ * stride_) {}

  std::int64_t max_lines() const { return max_lines_; }
  Matrix<float> scores() { return {memory_.ptr(), stride_}; }

 private:
  std::int64_t max_lines_, stride_;
  Buffer<float> memory_;
};

/// Errors of all rows, where there are any to be had, and the order within each, where `ranking` is
/// given.
std::optional<RatingErrors> take_rows(Scorer& scorer, const HiddenSample& sample,
                                      const EvaluationOptions& options, RankingSums* ranking) {
  const std::int64_t n_rows = sample.given.n_rows, n_columns = sample.given.n_columns;
  Backend& backend = scorer.backend();
  const std::int64_t most = std::min(rows_at_a_time(backend, n_columns, options.k), n_rows);
  const ScoreRoom room(backend, most, n_columns);
  std::optional<ErrorSums> errors;
  if (scorer.predicts_ratings()) errors.emplace(backend, sample, options.threshold, most);
  std::optional<TopK> top;
  std::optional<CsrBuffer> given;
  if (ranking != nullptr) {
    top.emplace(backend, most, options.k);
    given.emplace(backend, sample.given);
  }
  for (std::int64_t first = 0; first < n_rows; first += most) {
    const std::int64_t n = std::min(most, n_rows - first);
    ScoreRows op = scorer.score_rows(first, n, room);
    if (errors) errors->ask(op, first);
    if (top) top->ask(op, given->ptr(), first);
    backend.run(op);
    if (errors) errors->take(first, n);
    if (!top) continue;
    top->take(n);
    for (std::int64_t i = 0; i < n; ++i) {
      ranking->add_line(top->line(i), sample.hidden.row_columns(first + i));
    }
  }
  return errors ? std::optional(errors->result()) : std::nullopt;
}

/// The order within each column that has a hidden rating.
void rank_columns(Scorer& scorer, const HiddenSample& sample, std::int64_t k,
                  RankingSums& ranking) {
  const CsrMatrix by_column = transposed(sample.hidden);
  std::vector<std::int32_t> columns;
  for (std::int32_t c = 0; c < sample.hidden.n_columns; ++c) {
    if (by_column.row_length(c) > 0) columns.push_back(c);
  }
  const auto n_columns = std::ssize(columns);
  const std::int64_t n_rows = sample.given.n_rows;
  Backend& backend = scorer.backend();
  Block block(backend, n_columns, n_rows);
  TopK top(backend, block.max_lines(), k);
  const CsrBuffer given(backend, select_rows(transposed(sample.given), columns));
  for (std::int64_t first = 0; first < n_columns; first += block.max_lines()) {
    const std::int64_t n = std::min(block.max_lines(), n_columns - first);
    const auto of_block =
        std::span(columns).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    scorer.score_columns(of_block, block.scores());
    top.select(block.scores(), n, n_rows, given.ptr(), first);
    for (std::int64_t i = 0; i < n; ++i) {
      ranking.add_line(top.line(i), by_column.row_columns(of_block[static_cast<std::size_t>(i)]));
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
  RankingSums ranking(options.k);
  if (by_row || scorer.predicts_ratings()) {
    evaluation.errors = take_rows(scorer, sample, options, by_row ? &ranking : nullptr);
  }
  if (!by_row) rank_columns(scorer, sample, options.k, ranking);
  evaluation.ranking = ranking.result();
  return evaluation;
}

}  // namespace hourglass
