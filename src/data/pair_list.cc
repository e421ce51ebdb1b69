#include "data/pair_list.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "hourglass/data/id_hash.h"

namespace hourglass {
namespace {

using Pair = PairList::Pair;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// place[i]: where i is in `order`.
std::vector<std::int32_t> inverse(const std::vector<std::int32_t>& order) {
  std::vector<std::int32_t> place(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) place[at(order[k])] = static_cast<std::int32_t>(k);
  return place;
}

// The value: float where that is all there is to each of them, which halves what is moved.
template <class Value>
struct Cell {
  std::int32_t column;
  Value value;
};

// The mean as pandas computes it: a compensated sum in double.
template <class Value>
double mean(const Cell<Value>* begin, const Cell<Value>* end) {
  double sum = 0;
  double lost = 0;
  for (const Cell<Value>* cell = begin; cell != end; ++cell) {
    const double term = static_cast<double>(cell->value) - lost;
    const double next = sum + term;
    lost = (next - sum) - term;
    sum = next;
  }
  return sum / static_cast<double>(end - begin);
}

}  // namespace

bool PairList::first_repetition(Repetition& found) const {
  std::unordered_map<std::uint64_t, std::int64_t, IdHash> first_lines;
  std::size_t i = 0;
  for (std::size_t k = 0; k < pieces_.size(); ++k) {
    for (const Pair& pair : piece(k)) {
      const auto key = std::uint64_t{static_cast<std::uint32_t>(pair.row)} << 32 |
                       static_cast<std::uint32_t>(pair.column);
      const auto [first, added] = first_lines.emplace(key, lines_[i]);
      if (!added) {
        found = {pair.row, pair.column, lines_[i], first->second};
        return true;
      }
      ++i;
    }
  }
  return false;
}

PairList::Assembled PairList::assemble(const std::vector<std::int32_t>& row_order,
                                       const std::vector<std::int32_t>& column_order,
                                       const ReadOptions& options) && {
  return floats_ ? assemble_as<float>(row_order, column_order, options)
                 : assemble_as<double>(row_order, column_order, options);
}

template <class Value>
PairList::Assembled PairList::assemble_as(const std::vector<std::int32_t>& row_order,
                                          const std::vector<std::int32_t>& column_order,
                                          const ReadOptions& options) {
  Assembled result;
  CsrMatrix& matrix = result.matrix;
  matrix.n_rows = static_cast<std::int64_t>(row_order.size());
  matrix.n_columns = static_cast<std::int64_t>(column_order.size());
  const auto row_place = inverse(row_order);
  const auto column_place = inverse(column_order);

  // A stable counting sort by row, then a stable sort within each row that needs one (files are
  // often in order): repeated pairs end up side by side, in the order of the file.
  std::vector<std::int64_t> row_begin(at(matrix.n_rows) + 1);
  for (std::size_t k = 0; k < pieces_.size(); ++k) {
    for (const Pair& pair : piece(k)) ++row_begin[at(row_place[at(pair.row)]) + 1];
  }
  for (std::size_t i = 1; i < row_begin.size(); ++i) row_begin[i] += row_begin[i - 1];
  std::vector<std::int64_t> row_end(row_begin);
  const HugeArray<Cell<Value>> memory(at(size_));
  Cell<Value>* const cells = memory.data();
  for (std::size_t k = 0; k < pieces_.size(); ++k) {
    for (const Pair& pair : piece(k)) {
      cells[at(row_end[at(row_place[at(pair.row)])]++)] = {column_place[at(pair.column)],
                                                           static_cast<Value>(pair.value)};
    }
    pieces_[k].reset();
  }

  matrix.row_offsets.reserve(at(matrix.n_rows) + 1);
  reserve_huge(matrix.columns, at(size_));
  reserve_huge(matrix.values, at(size_));
  const auto before = [](const Cell<Value>& x, const Cell<Value>& y) {
    return x.column < y.column;
  };
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const Cell<Value>* cell = cells + row_begin[at(row)];
    const Cell<Value>* const end = cells + row_end[at(row)];
    if (!std::is_sorted(cell, end, before)) {
      std::stable_sort(cells + row_begin[at(row)], cells + row_end[at(row)], before);
    }
    while (cell != end) {
      const Cell<Value>* const first = cell;
      while (cell != end && cell->column == first->column) ++cell;
      result.pairs_repeated += cell - first - 1;
      const bool one = cell - first == 1 || options.repeated == RepeatedPairs::kLast;
      auto rating = static_cast<float>(one ? cell[-1].value : mean(first, cell));
      if (rating == 0) {
        if (!options.keep_zeros) {
          ++result.zeros_dropped;
          continue;
        }
        rating = 0;  // not -0: it is the same rating
      }
      matrix.columns.push_back(first->column);
      matrix.values.push_back(rating);
    }
    matrix.row_offsets.push_back(static_cast<std::int64_t>(matrix.columns.size()));
  }
  return result;
}

}  // namespace hourglass
