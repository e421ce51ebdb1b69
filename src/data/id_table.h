#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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
  Entry insert(std::string_view id) {
    const std::uint32_t number = small_number(id);
    if (number < direct_.size() && direct_[number] != 0) return {direct_[number] - 1, false};
    return number < kDirect ? insert_direct(id, number) : insert_hashed(id);
  }

  const IdList& ids() const { return ids_; }
  /// The table is of no use afterwards, and takes no memory.
  IdList take_ids() {
    slots_ = {};
    direct_ = {};
    return std::move(ids_);
  }
  /// sorted_order(ids()), faster where all of them are small numbers.
  std::vector<std::int32_t> sorted_order() const;

 private:
  // Whole numbers below this, as most data sets number their users and items, are looked up in
  // direct_ without hashing: one access instead of three, in a table that fits the cache.
  static constexpr std::uint32_t kDirect = 1u << 20;

  static std::uint32_t small_number(std::string_view id);
  Entry insert_direct(std::string_view id, std::uint32_t number);
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

// The number that an id spells as a program would ("7", not "07"), where it has at most 7 digits;
// else 2^32 - 1. All digits at once: a loop over them mispredicts its end at every other id.
inline std::uint32_t IdTable::small_number(std::string_view id) {
  constexpr std::uint32_t kNone = -1;
  const std::size_t size = id.size();
  if (size - 1 > 6) return kNone;  // empty, or too long
  const char* const p = id.data();
  std::uint64_t word = 0;  // of the id's bytes, the last one on top, zeros below
  if (size >= 4) {
    std::uint32_t first, last;  // they overlap
    std::memcpy(&first, p, 4);
    std::memcpy(&last, p + size - 4, 4);
    word = std::uint64_t{last} << 32 | std::uint64_t{first} << (64 - 8 * size);
  } else {
    const auto byte = [&](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(p[i])} << (64 - 8 * size + 8 * i);
    };
    word = byte(0) | byte(size / 2) | byte(size - 1);
  }
  constexpr std::uint64_t kZeros = 0x3030303030303030u;
  word ^= kZeros << (64 - 8 * size);  // digits become their values; other bytes are above 9
  if (((word | (word + 0x7676767676767676u)) & 0x8080808080808080u) != 0) return kNone;
  if (*p == '0' && size > 1) return kNone;
  // Neighbours join: 8 digits, 4 pairs, 2 fours, 1 number.
  word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFu;
  word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFFu;
  return static_cast<std::uint32_t>(word * 10000 + (word >> 32));
}

/// The order of ids: as numbers where all are whole numbers (of any length; "7" before "07"), else
/// by bytes. order[k] is the index of the k-th id.
std::vector<std::int32_t> sorted_order(const IdList& ids);

}  // namespace hourglass
