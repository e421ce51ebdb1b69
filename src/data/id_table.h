#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "hourglass/data/ratings.h"

namespace hourglass {

/// Numbers ids in the order they first appear. Keys are hashed with a secret of this process, so
/// that no file can be made to collide; no number depends on it.
class IdTable {
 public:
  /// Columns are numbered in int32.
  static constexpr std::int64_t kMaxIds = std::numeric_limits<std::int32_t>::max();

  explicit IdTable(std::int64_t max_ids = kMaxIds);

  struct Entry {
    std::int32_t index;
    bool added;
  };
  /// Throws std::length_error where the table is full.
  Entry insert(std::string_view id);

  const IdList& ids() const { return ids_; }
  IdList take_ids() { return std::move(ids_); }

 private:
  // Whole numbers below this, as most data sets number their users and items, are looked up in
  // direct_ without hashing: one access instead of three, in a table that fits the cache.
  static constexpr std::uint32_t kDirect = 1u << 20;

  Entry insert_hashed(std::string_view id);
  std::int32_t append(std::string_view id);
  void grow();

  // Open addressing; a slot holds the hash's upper half and index + 1 (0: free).
  std::vector<std::uint64_t> slots_;
  std::int64_t n_hashed_ = 0;
  std::vector<std::int32_t> direct_;  // index + 1 by number; 0: not there
  IdList ids_;
  std::int64_t max_ids_;
};

/// The order of ids: as numbers where all are whole numbers (of any length; "7" before "07"), else
/// by bytes. order[k] is the index of the k-th id.
std::vector<std::int32_t> sorted_order(const IdList& ids);

}  // namespace hourglass
