#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "hourglass/ops/ranking.h"

namespace hourglass::cpu {

/// A wider room is put in order less often, but its cutoff rises later.
constexpr std::int64_t candidates_room(std::int64_t k) {
  constexpr std::int64_t kLeast = 128;
  return std::max(2 * k, kLeast);
}

/// The best so far of a row's columns, and those that may yet be among them. Columns come in
/// ascending order.
class Candidates {
 public:
  Candidates() = default;
  /// keys: [candidates_room(k)]. Scores must be above the threshold, which for k = 0 none may be.
  Candidates(std::int64_t k, std::uint64_t* keys, float threshold)
      : keys_(keys), k_(k), room_(candidates_room(k)), cutoff_(threshold) {}

  /// Nothing that is not above it is among the best.
  float cutoff() const { return cutoff_; }
  void offer(float score, std::int64_t column) {
    if (!(score > cutoff_)) return;
    keys_[n_++] = ranking_key(score, static_cast<std::int32_t>(column));
    if (n_ == room_) keep_best();
  }
  /// The k best, at the front of the keys, in any order; how many there are.
  std::int64_t best() {
    if (n_ > k_) keep_best();
    return n_;
  }

 private:
  void keep_best() {
    std::nth_element(keys_, keys_ + (k_ - 1), keys_ + n_, std::greater<>());
    n_ = k_;
    // Columns ascend: a later score that equals the kth best comes after it.
    cutoff_ = score_of_key(keys_[k_ - 1]);
  }

  std::uint64_t* keys_ = nullptr;
  std::int64_t k_ = 0, room_ = 0, n_ = 0;
  float cutoff_ = 0;
};

}  // namespace hourglass::cpu
