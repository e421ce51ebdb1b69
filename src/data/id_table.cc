#include "data/id_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "hourglass/data/id_hash.h"

namespace hourglass {
namespace {

const IdHash hash;
constexpr std::uint64_t kTag = 0xFFFFFFFF00000000u;  // of a slot: its hash's upper half

/// A whole number of any length.
struct Whole {
  bool negative;
  std::string_view digits;  // without leading zeros
};

std::optional<Whole> whole(std::string_view id) {
  const bool minus = id.starts_with('-');
  id.remove_prefix(minus ? 1 : 0);
  const bool digits = !id.empty() && id.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return std::nullopt;
  id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
  return Whole{minus && !id.empty(), id};
}

int compare(const Whole& x, const Whole& y) {
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  const int sign = x.negative ? -1 : 1;
  if (x.digits.size() != y.digits.size()) return x.digits.size() < y.digits.size() ? -sign : sign;
  return sign * x.digits.compare(y.digits);
}

// "7" before "07": the shorter of two ids that are the same number.
bool tie_before(std::string_view x, std::string_view y) {
  return x.size() != y.size() ? x.size() < y.size() : x < y;
}

bool before_as_numbers(std::string_view x, std::string_view y) {
  const int order = compare(*whole(x), *whole(y));
  return order != 0 ? order < 0 : tie_before(x, y);
}

// Ids that fit 64 bits, which is nearly all there are, are sorted by their value.
std::optional<std::vector<std::int32_t>> order_by_int64(const IdList& ids) {
  std::vector<std::pair<std::int64_t, std::int32_t>> keys;
  keys.reserve(static_cast<std::size_t>(ids.size()));
  for (std::int32_t i = 0; i < ids.size(); ++i) {
    const std::string_view id = ids[i];
    std::int64_t key = 0;
    const auto [end, fault] = std::from_chars(id.data(), id.data() + id.size(), key);
    if (fault != std::errc() || end != id.data() + id.size()) return std::nullopt;
    keys.emplace_back(key, i);
  }
  std::sort(keys.begin(), keys.end(), [&](const auto& x, const auto& y) {
    return x.first != y.first ? x.first < y.first : tie_before(ids[x.second], ids[y.second]);
  });
  std::vector<std::int32_t> order;
  order.reserve(keys.size());
  for (const auto& [key, index] : keys) order.push_back(index);
  return order;
}

}  // namespace

IdTable::IdTable(std::int64_t max_ids) : slots_(64), max_ids_(std::min(max_ids, kMaxIds)) {}

IdTable::Entry IdTable::insert_direct(std::string_view id, std::uint32_t number) {
  const std::int32_t index = append(id);
  if (number >= direct_.size()) {
    direct_.resize(std::min<std::size_t>(kDirect, std::max<std::size_t>(64, 2ul * number + 2)));
  }
  direct_[number] = index + 1;
  return {index, true};
}

IdTable::Entry IdTable::insert_hashed(std::string_view id) {
  const std::uint64_t code = hash(id);
  const std::uint64_t tag = code & kTag;
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = code & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if ((slots_[at] & kTag) != tag) continue;
    const auto index = static_cast<std::int32_t>((slots_[at] & ~kTag) - 1);
    if (ids_[index] == id) return {index, false};
  }
  const std::int32_t index = append(id);
  slots_[at] = tag | (static_cast<std::uint64_t>(index) + 1);
  if (static_cast<std::size_t>(++n_hashed_) * 4 > slots_.size() * 3) grow();
  return {index, true};
}

std::int32_t IdTable::append(std::string_view id) {
  if (ids_.size() >= max_ids_) {
    throw std::length_error(fmt::format("more than {} different ids; split the file", max_ids_));
  }
  const auto index = static_cast<std::int32_t>(ids_.size());
  ids_.add(id);
  return index;
}

void IdTable::grow() {
  const std::size_t n_slots = slots_.size() * 2, mask = n_slots - 1;
  slots_ = {};  // first: a file of nothing but ids would hold both
  slots_.resize(n_slots);
  for (std::int64_t index = 0; index < ids_.size(); ++index) {
    if (small_number(ids_[index]) < kDirect) continue;
    const std::uint64_t code = hash(ids_[index]);
    std::size_t at = code & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = (code & kTag) | (static_cast<std::uint64_t>(index) + 1);
  }
}

std::vector<std::int32_t> IdTable::sorted_order() const {
  if (n_hashed_ > 0) return hourglass::sorted_order(ids_);
  std::vector<std::int32_t> order;
  order.reserve(static_cast<std::size_t>(ids_.size()));
  for (const std::int32_t place : direct_) {
    if (place != 0) order.push_back(place - 1);
  }
  return order;
}

std::vector<std::int32_t> sorted_order(const IdList& ids) {
  if (auto order = order_by_int64(ids)) return *std::move(order);
  bool numbers = true;
  for (std::int64_t i = 0; i < ids.size() && numbers; ++i) numbers = whole(ids[i]).has_value();
  std::vector<std::int32_t> order(static_cast<std::size_t>(ids.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int32_t x, std::int32_t y) {
    return numbers ? before_as_numbers(ids[x], ids[y]) : ids[x] < ids[y];
  });
  return order;
}

}  // namespace hourglass
