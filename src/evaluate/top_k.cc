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

void TopK::select(Matrix<const float> scores, std::int64_t n_lines, std::int64_t length,
                  const CsrPtr& excluded, std::int64_t first) {
  backend_->run(SelectTop{.scores = scores,
                          .n_rows = n_lines,
                          .n_columns = length,
                          .excluded = excluded,
                          .first_row = first,
                          .threshold = threshold_,
                          .k = k_,
                          .columns = columns_.ptr(),
                          .values = values_.ptr(),
                          .counts = counts_.ptr(),
                          .scratch = scratch_.ptr()});
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
