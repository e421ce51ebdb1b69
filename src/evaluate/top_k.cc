#include "hourglass/evaluate/top_k.h"

#include <algorithm>

namespace hourglass {

TopK::TopK(Backend& backend, std::int64_t max_lines, std::int64_t k, float threshold)
    : backend_(&backend),
      k_(std::max<std::int64_t>(k, 0)),
      threshold_(threshold),
      columns_(backend, max_lines * k_),
      counts_(backend, max_lines),
      values_(backend, max_lines * k_),
      scratch_(backend, select_top_scratch(max_lines, k_)) {}

SelectTop TopK::operation(const CsrPtr& excluded, std::int64_t first) {
  SelectTop op;
  op.excluded = excluded;
  op.first_row = first;
  op.threshold = threshold_;
  op.k = k_;
  op.columns = columns_.ptr();
  op.values = values_.ptr();
  op.counts = counts_.ptr();
  op.scratch = scratch_.ptr();
  return op;
}

void TopK::select(Matrix<const float> scores, std::int64_t n_lines, std::int64_t length,
                  const CsrPtr& excluded, std::int64_t first) {
  SelectTop op = operation(excluded, first);
  op.scores = scores;
  op.n_rows = n_lines;
  op.n_columns = length;
  backend_->run(op);
  take(n_lines);
}

void TopK::ask(ScoreRows& op, const CsrPtr& excluded, std::int64_t first) {
  op.top = operation(excluded, first);
}

void TopK::take(std::int64_t n_lines) {
  const auto n = static_cast<std::size_t>(n_lines * k_);
  std::vector<std::int32_t> columns(n);
  std::vector<float> values(n);
  counts_of_line_.resize(static_cast<std::size_t>(n_lines));
  backend_->download(std::span(columns), Ptr<const std::int32_t>(columns_.ptr()));
  backend_->download(std::span(values), Ptr<const float>(values_.ptr()));
  backend_->download(std::span(counts_of_line_), Ptr<const std::int32_t>(counts_.ptr()));
  best_.resize(n);
  for (std::size_t i = 0; i < n; ++i) best_[i] = {values[i], columns[i]};
}

std::span<const Scored> TopK::line(std::int64_t line) const {
  return std::span(best_).subspan(
      static_cast<std::size_t>(line * k_),
      static_cast<std::size_t>(counts_of_line_[static_cast<std::size_t>(line)]));
}

}  // namespace hourglass
