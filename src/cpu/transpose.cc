#include "cpu/transpose.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace hourglass::cpu {
namespace {

constexpr int kDigitBits = 11;
constexpr std::uint64_t kDigitMask = (1U << kDigitBits) - 1;

// An entry is column << 32 | place: sorting by the column alone keeps the places in order, since every
// pass is stable. EpochBatches refuses a batch of 2^31 ratings.
constexpr int kColumnShift = 32;

}  // namespace

void transpose_batch(const TransposeBatches& op, std::int64_t k) {
  const CsrPtr& ratings = op.ratings;
  const MutableBatchColumns out =
      columns_of_batch(op.columns, k, op.batch_size, op.entries_before[k]);
  const std::int64_t first_row = k * op.batch_size;
  const auto n_rows =
      static_cast<std::int32_t>(std::min<std::int64_t>(op.batch_size, op.n_rows - first_row));
  const Ptr<const std::int32_t> rows = op.rows + first_row;
  const std::int64_t n_entries = op.entries_before[k + 1] - op.entries_before[k];
  // A batch's own part of the scratch: others are transposed at the same time.
  auto* keys = reinterpret_cast<std::uint64_t*>(op.scratch.raw() + 4 * op.entries_before[k]);
  auto* spare = keys + n_entries;
  auto* row_of = reinterpret_cast<std::int32_t*>(spare + n_entries);
  std::int64_t n = 0;
  for (std::int32_t b = 0; b < n_rows; ++b) {
    out.row_begin[b] = n;
    const std::int32_t row = rows[b];
    for (auto e = ratings.row_offsets[row]; e < ratings.row_offsets[row + 1]; ++e, ++n) {
      out.values[n] = ratings.values[e];
      row_of[n] = b;
      keys[n] = static_cast<std::uint64_t>(ratings.columns[e]) << kColumnShift |
                static_cast<std::uint64_t>(n);
    }
  }
  out.row_begin[n_rows] = n;

  const int bits = std::bit_width(static_cast<std::uint64_t>(ratings.n_columns));
  for (int shift = kColumnShift; shift < kColumnShift + bits; shift += kDigitBits) {
    std::array<std::int64_t, kDigitMask + 1> place{};
    for (std::int64_t e = 0; e < n; ++e) ++place[keys[e] >> shift & kDigitMask];
    std::int64_t sum = 0;
    for (std::int64_t& p : place) sum += std::exchange(p, sum);
    for (std::int64_t e = 0; e < n; ++e) spare[place[keys[e] >> shift & kDigitMask]++] = keys[e];
    std::swap(keys, spare);
  }

  std::int32_t n_columns = 0;
  std::int64_t previous = -1;
  for (std::int64_t e = 0; e < n; ++e) {
    const auto column = static_cast<std::int64_t>(keys[e] >> kColumnShift);
    const auto index = static_cast<std::int64_t>(keys[e] & 0xFFFFFFFFU);
    if (column != previous) {
      out.ids[n_columns] = static_cast<std::int32_t>(column);
      out.begin[n_columns++] = e;
      previous = column;
    }
    out.entry_row[e] = row_of[index];
    out.entry_index[e] = index;
  }
  out.n_columns[0] = n_columns;
  out.ids[n_columns] = static_cast<std::int32_t>(ratings.n_columns);
  out.begin[n_columns++] = n;
  out.begin[n_columns] = n + n_rows;
  out.n_columns[1] = n_columns;
  for (std::int32_t b = 0; b < n_rows; ++b) {
    out.values[n + b] = 1;
    out.entry_row[n + b] = b;
    out.entry_index[n + b] = n + b;
  }
}

}  // namespace hourglass::cpu
