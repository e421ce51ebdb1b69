#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

// What operations read and write, on the host: matrices without padding, batches, their columns.
namespace hourglass::ops_test {

/// Small integers have exact sums, to compare with ==; reals need a bound.
enum class Values { kIntegers, kReals };

/// Random numbers of a seed: the same ones with any standard library.
class Numbers {
 public:
  Numbers(std::uint64_t seed, Values values) : random_(seed), values_(values) {}

  std::int64_t integer(std::int64_t low, std::int64_t high) {  // both included
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  /// An integer within [-range, range], or a real.
  float next(int range = 2) {
    if (values_ == Values::kIntegers) return static_cast<float>(integer(-range, range));
    return static_cast<float>(range * (static_cast<double>(random_() >> 11) * 0x1p-52 - 1));
  }
  bool chance(double p) { return static_cast<double>(random_() >> 11) * 0x1p-53 < p; }
  Values values() const { return values_; }

 private:
  std::mt19937_64 random_;
  Values values_;
};

struct HostMatrix {
  std::int64_t n_rows = 0, width = 0;
  std::vector<float> values;  // [n_rows x width]

  HostMatrix() = default;
  HostMatrix(std::int64_t rows, std::int64_t columns, float value = 0)
      : n_rows(rows), width(columns), values(static_cast<std::size_t>(rows * columns), value) {}
  HostMatrix(std::int64_t rows, std::int64_t columns, std::vector<float> of)
      : n_rows(rows), width(columns), values(std::move(of)) {}

  float& at(std::int64_t r, std::int64_t c) { return values[place(r, c)]; }
  float at(std::int64_t r, std::int64_t c) const { return values[place(r, c)]; }

 private:
  std::size_t place(std::int64_t r, std::int64_t c) const {
    return static_cast<std::size_t>(r * width + c);
  }
};

inline HostMatrix random_matrix(Numbers& numbers, std::int64_t n_rows, std::int64_t width,
                                int range = 2) {
  HostMatrix m(n_rows, width);
  for (float& x : m.values) x = numbers.next(range);
  return m;
}

/// Activations as the next layer reads them: column `width` is 1.
inline HostMatrix with_ones(const HostMatrix& m) {
  HostMatrix out(m.n_rows, m.width + 1, 1.0F);
  for (std::int64_t r = 0; r < m.n_rows; ++r) {
    for (std::int64_t c = 0; c < m.width; ++c) out.at(r, c) = m.at(r, c);
  }
  return out;
}

/// Column c of m zero in every row: a unit that is idle, where m is activations.
inline void make_idle(HostMatrix& m, std::int64_t c) {
  for (std::int64_t r = 0; r < m.n_rows; ++r) m.at(r, c) = 0;
}
inline bool is_idle(const HostMatrix& m, std::int64_t c) {
  for (std::int64_t r = 0; r < m.n_rows; ++r) {
    if (m.at(r, c) != 0) return false;
  }
  return true;
}

/// Activations [n_rows x width - 1] and the ones, every third unit idle where `some` are.
inline HostMatrix random_hidden(Numbers& numbers, std::int64_t n_rows, std::int64_t width,
                                bool some) {
  HostMatrix m = random_matrix(numbers, n_rows, width - 1);
  for (std::int64_t c = 1; some && c < m.width; c += 3) make_idle(m, c);
  HostMatrix hidden(n_rows, width, 1.0F);
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t c = 0; c < m.width; ++c) hidden.at(r, c) = m.at(r, c);
  }
  return hidden;
}

inline std::vector<float> absolute(std::vector<float> values, float sign = 1) {
  for (float& x : values) x = sign * std::abs(x);
  return values;
}
inline HostMatrix absolute(HostMatrix m, float sign = 1) {
  m.values = absolute(std::move(m.values), sign);
  return m;
}

/// A batch as an operation reads it, row b of it being row rows[b] of the ratings.
struct HostBatch {
  std::int64_t n_columns = 0;
  std::vector<std::int64_t> row_offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<float> values;
  std::vector<std::int32_t> rows;

  std::int32_t size() const { return static_cast<std::int32_t>(rows.size()); }
  std::int64_t begin(std::int64_t b) const {
    return row_offsets[static_cast<std::size_t>(rows[static_cast<std::size_t>(b)])];
  }
  std::int64_t end(std::int64_t b) const {
    return row_offsets[static_cast<std::size_t>(rows[static_cast<std::size_t>(b)] + 1)];
  }
  std::int64_t n_entries() const {
    std::int64_t n = 0;
    for (std::int64_t b = 0; b < size(); ++b) n += end(b) - begin(b);
    return n;
  }
  void add_row(const std::vector<std::pair<std::int32_t, float>>& entries) {
    for (const auto& [column, value] : entries) {
      columns.push_back(column);
      values.push_back(value);
    }
    row_offsets.push_back(static_cast<std::int64_t>(columns.size()));
  }
};

/// Rows of all fillings, in an order of their own; rows that the batch leaves out; where
/// `full_row`, a row with every column, else columns that no row has.
inline HostBatch random_batch(Numbers& numbers, std::int64_t batch, std::int64_t n_columns,
                              bool full_row) {
  HostBatch out;
  out.n_columns = n_columns;
  for (std::int64_t r = 0; r < batch + 2; ++r) {
    std::vector<std::pair<std::int32_t, float>> entries;
    const bool full = full_row && r == batch / 2;
    const double filled = r % 4 == 1 ? 0.0 : std::min(0.3, 40.0 / static_cast<double>(n_columns));
    for (std::int64_t c = 0; c < n_columns; ++c) {
      if (full || (c % 7 != 3 && numbers.chance(filled))) {
        const float x = numbers.next(3);
        entries.emplace_back(static_cast<std::int32_t>(c), x == 0 ? 1.0F : x);
      }
    }
    out.add_row(entries);
  }
  // Odd steps backwards from the end: a batch is not in the order of the ratings.
  for (std::int64_t b = 0; b < batch; ++b) {
    out.rows.push_back(static_cast<std::int32_t>(batch % 2 == 0 ? batch - 1 - b : b ^ 1));
  }
  if (batch % 2 != 0) out.rows.back() = static_cast<std::int32_t>(batch - 1);
  return out;
}

/// The batch's rows as a matrix, zero where there is no rating.
inline HostMatrix dense_batch(const HostBatch& batch) {
  HostMatrix m(batch.size(), batch.n_columns);
  for (std::int32_t b = 0; b < batch.size(); ++b) {
    for (std::int64_t e = batch.begin(b); e < batch.end(b); ++e) {
      m.at(b, batch.columns[static_cast<std::size_t>(e)]) =
          batch.values[static_cast<std::size_t>(e)];
    }
  }
  return m;
}

/// The columns of a batch (hourglass/ops/batch.h), worked out plainly.
struct HostColumns {
  std::vector<std::int64_t> row_begin;
  std::vector<float> values;
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> entry_row;
  std::vector<std::int64_t> entry_index;
  std::vector<std::int32_t> n_columns;

  explicit HostColumns(const HostBatch& batch) {
    std::map<std::int64_t, std::vector<std::pair<std::int32_t, std::int64_t>>> by_column;
    for (std::int32_t b = 0; b < batch.size(); ++b) {
      row_begin.push_back(static_cast<std::int64_t>(values.size()));
      for (std::int64_t e = batch.begin(b); e < batch.end(b); ++e) {
        by_column[batch.columns[static_cast<std::size_t>(e)]].emplace_back(
            b, static_cast<std::int64_t>(values.size()));
        values.push_back(batch.values[static_cast<std::size_t>(e)]);
      }
    }
    row_begin.push_back(static_cast<std::int64_t>(values.size()));
    auto& bias = by_column[batch.n_columns];
    for (std::int32_t b = 0; b < batch.size(); ++b) {
      bias.emplace_back(b, static_cast<std::int64_t>(values.size()));
      values.push_back(1);
    }
    begin.push_back(0);
    for (const auto& [column, entries] : by_column) {
      ids.push_back(static_cast<std::int32_t>(column));
      for (const auto& [row, index] : entries) {
        entry_row.push_back(row);
        entry_index.push_back(index);
      }
      begin.push_back(static_cast<std::int64_t>(entry_row.size()));
    }
    n_columns = {static_cast<std::int32_t>(ids.size()) - 1, static_cast<std::int32_t>(ids.size())};
  }
  std::int64_t entries(std::size_t i) const { return begin[i + 1] - begin[i]; }
};

}  // namespace hourglass::ops_test
