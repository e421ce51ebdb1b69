#include "ops/guarded_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace hourglass::ops_test {
namespace {

// What a device's allocator aligns to: a guard does not spoil the alignment of what it guards.
constexpr std::size_t kGuard = 256;
constexpr std::uint8_t kStale = 0xFF;  // a NaN as float and double, -1 as an integer

template <class T>
double element(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<double>(value);
}

}  // namespace

void* GuardedMemory::add(Shape shape, const void* values, std::int64_t padding, Access access) {
  const std::size_t row = static_cast<std::size_t>(shape.stride) * shape.element;
  const std::size_t used = static_cast<std::size_t>(shape.width) * shape.element;
  const std::size_t n_rows = static_cast<std::size_t>(shape.n_rows);
  const std::size_t bytes = 2 * kGuard + n_rows * row;
  Item item{std::move(shape), access, {}, std::vector<std::uint8_t>(bytes, kStale), {}, padding};
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::size_t at = kGuard + r * row;
    if (used > 0 && (access == Access::kRead || access == Access::kUpdate)) {
      std::memcpy(item.before.data() + at, static_cast<const std::uint8_t*>(values) + r * used,
                  used);
    }
    std::fill_n(item.before.begin() + static_cast<std::ptrdiff_t>(at + used),
                static_cast<std::size_t>(padding) * item.shape.element, std::uint8_t{0});
    if (access != Access::kRead) item.may_change.push_back({at, at + used});
  }
  item.memory = Buffer<std::uint8_t>(*backend_, static_cast<std::int64_t>(bytes));
  item.memory.upload(item.before);
  items_.push_back(std::move(item));
  return items_.back().memory.ptr().raw() + kGuard;
}

void GuardedMemory::allow_padding() {
  Item& item = items_.back();
  for (Range& row : item.may_change) {
    row.end += static_cast<std::size_t>(item.padding) * item.shape.element;
  }
}

CsrPtr GuardedMemory::ratings(const HostBatch& batch) {
  return {.row_offsets = array("row_offsets", batch.row_offsets, Access::kRead),
          .columns = array("columns", batch.columns, Access::kRead),
          .values = array("values", batch.values, Access::kRead),
          .n_rows = static_cast<std::int64_t>(batch.row_offsets.size()) - 1,
          .n_columns = batch.n_columns};
}

BatchRows GuardedMemory::batch(const HostBatch& batch) {
  return {.ratings = ratings(batch),
          .rows = array("rows", batch.rows, Access::kRead),
          .n_rows = batch.size()};
}

BatchColumns GuardedMemory::columns(const HostColumns& columns) {
  return {.row_begin = array("row_begin", columns.row_begin, Access::kRead),
          .values = array("batch values", columns.values, Access::kRead),
          .ids = array("ids", columns.ids, Access::kRead),
          .begin = array("begin", columns.begin, Access::kRead),
          .entry_row = array("entry_row", columns.entry_row, Access::kRead),
          .entry_index = array("entry_index", columns.entry_index, Access::kRead),
          .n_columns = array("n_columns", columns.n_columns, Access::kRead)};
}

void GuardedMemory::expect_untouched(const Item& item,
                                     const std::vector<std::uint8_t>& after) const {
  std::size_t from = 0;
  for (std::size_t i = 0; i <= item.may_change.size(); ++i) {
    const bool last = i == item.may_change.size();
    const std::size_t to = last ? after.size() : item.may_change[i].begin;
    const auto begin = after.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = after.begin() + static_cast<std::ptrdiff_t>(to);
    const auto before = item.before.begin() + static_cast<std::ptrdiff_t>(from);
    if (!std::equal(begin, end, before)) {
      const auto place = std::mismatch(begin, end, before).first - after.begin() -
                         static_cast<std::ptrdiff_t>(kGuard);
      ADD_FAILURE() << item.shape.name << " [" << item.shape.n_rows << " x " << item.shape.width
                    << ", stride " << item.shape.stride << "]: byte " << place << " (element "
                    << place / static_cast<std::ptrdiff_t>(item.shape.element)
                    << ") was written and may not be";
      return;
    }
    if (!last) from = item.may_change[i].end;
  }
}

Results GuardedMemory::finish() {
  backend_->synchronize();
  Results results;
  for (const Item& item : items_) {
    const std::vector<std::uint8_t> after = item.memory.download();
    expect_untouched(item, after);
    if (item.access != Access::kWrite && item.access != Access::kUpdate) continue;
    const Shape& s = item.shape;
    std::vector<double>& values = results[s.name];
    values.reserve(static_cast<std::size_t>(s.n_rows * s.width));
    for (std::int64_t r = 0; r < s.n_rows; ++r) {
      for (std::int64_t c = 0; c < s.width; ++c) {
        const std::uint8_t* at =
            after.data() + kGuard + static_cast<std::size_t>(r * s.stride + c) * s.element;
        switch (s.kind) {
          case Kind::kFloat:
            values.push_back(element<float>(at));
            break;
          case Kind::kDouble:
            values.push_back(element<double>(at));
            break;
          case Kind::kInt32:
            values.push_back(element<std::int32_t>(at));
            break;
          case Kind::kInt64:
            values.push_back(element<std::int64_t>(at));
            break;
          case Kind::kOther:
            break;
        }
      }
    }
  }
  return results;
}

}  // namespace hourglass::ops_test
