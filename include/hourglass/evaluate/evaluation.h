#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "hourglass/evaluate/hidden_sample.h"
#include "hourglass/evaluate/scorer.h"

namespace hourglass {

/// In which lines of the matrix candidates are put in order.
enum class RankWithin {
  kRow,     ///< the columns of a row
  kColumn,  ///< the rows of a column, those of the sample
};

struct EvaluationOptions {
  std::int64_t k = 10;     ///< where rankings are cut
  float threshold = 0.1F;  ///< what a prediction must exceed to be counted
  RankWithin within = RankWithin::kRow;
};

/// Counts of values in intervals [edges[i], edges[i + 1]), the last one closed.
struct Distribution {
  std::vector<float> edges;
  std::vector<std::int64_t> counts;   ///< [edges.size() - 1]
  std::int64_t below = 0, above = 0;  ///< outside the edges

  Distribution() = default;
  /// `n` intervals of one width.
  Distribution(float low, float high, int n);
  void add(float value);
};

/// Of predictions. Absent where the scorer gives an order only.
struct RatingErrors {
  double rmse = 0, mae = 0;   ///< over all hidden cells
  double rmse_all_cells = 0;  ///< of whole rows, 0 where there is no rating: the notebook's
  std::int64_t n_above_threshold = 0;  ///< cells predicted above it: its 'Masked Value Count'
  Distribution predictions;            ///< of the hidden cells
};

/// Of the order of the cells that were not given; relevant are the hidden ones (binary). Means over
/// the lines with a hidden rating:
///   recall = hits among the first k / min(k, relevant)
///   ndcg = DCG / that of the ideal order, both cut at k, with a gain of 1 / log2(rank + 1)
///     (Jarvelin and Kekalainen, 2002)
///   hit_rate = share of the lines with a hit
struct RankingQuality {
  double recall = 0, ndcg = 0, hit_rate = 0;
};

struct Evaluation {
  std::optional<RatingErrors> errors;
  RankingQuality ranking;
};

/// Holds `scorer`, which scores the sample's rows, to what it was not given. In blocks: no more
/// than a few million scores are in memory at a time. Throws Error where k is more than the
/// candidates' line is long, or a score is not finite.
Evaluation evaluate(Scorer& scorer, const HiddenSample& sample, const EvaluationOptions& options);

/// The lines (rows, or columns) that have a hidden rating.
std::int64_t count_ranked(const HiddenSample& sample, RankWithin within);

/// What the hidden ratings are, in the intervals that `evaluate` counts predictions by.
Distribution distribution_of_hidden(const HiddenSample& sample);

}  // namespace hourglass
