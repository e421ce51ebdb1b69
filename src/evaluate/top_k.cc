#include "hourglass/evaluate/top_k.h"

#include <algorithm>

namespace hourglass {
namespace {

bool before(const Scored& a, const Scored& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

}  // namespace

void TopK::keep_best() {
  const auto kth = best_.begin() + (k_ - 1);
  std::nth_element(best_.begin(), kth, best_.end(), before);
  // Later scores have greater indices: one that equals the kth best comes after it.
  threshold_ = kth->score;
  best_.resize(static_cast<std::size_t>(k_));
}

std::span<const Scored> TopK::of(std::span<const float> scores) {
  best_.clear();
  if (k_ <= 0) return {};
  const std::int64_t keep_at = 2 * std::min(k_, std::ssize(scores));  // k may be beyond all scores
  threshold_ = least_;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > threshold_) {
      best_.push_back({scores[i], static_cast<std::int32_t>(i)});
      if (std::ssize(best_) >= keep_at && std::ssize(best_) > k_) keep_best();
    }
  }
  if (std::ssize(best_) > k_) keep_best();
  std::sort(best_.begin(), best_.end(), before);
  return best_;
}

}  // namespace hourglass
