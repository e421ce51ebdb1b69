#include "data/pair_list.h"

#include <unordered_map>
#include <utility>

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

// counts[i + 1] becomes the begin of bucket i + 1; counts[0] is 0.
void accumulate(std::vector<std::int64_t>& counts) {
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
}

// The mean as pandas computes it: a compensated sum in double.
double mean(const double* values, std::size_t n) {
  double sum = 0;
  double lost = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double term = values[i] - lost;
    const double next = sum + term;
    lost = (next - sum) - term;
    sum = next;
  }
  return sum / static_cast<double>(n);
}

}  // namespace

void PairList::add(const Pair& pair, std::int64_t line) {
  if (pieces_.empty() || pieces_.back().size() == kPiecePairs) {
    pieces_.emplace_back();
    // The first piece grows from nothing, so that a small file stays small.
    if (pieces_.size() > 1) pieces_.back().reserve(kPiecePairs);
  }
  pieces_.back().push_back(pair);
  if (keep_lines_) lines_.push_back(line);
  ++size_;
}

bool PairList::first_repetition(Repetition& found) const {
  std::unordered_map<std::uint64_t, std::int64_t> first_lines;
  std::size_t i = 0;
  for (const auto& piece : pieces_) {
    for (const Pair& pair : piece) {
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
  Assembled result;
  CsrMatrix& matrix = result.matrix;
  matrix.n_rows = static_cast<std::int64_t>(row_order.size());
  matrix.n_columns = static_cast<std::int64_t>(column_order.size());
  const auto row_place = inverse(row_order);
  const auto column_place = inverse(column_order);

  // Two stable counting sorts, by column and then by row: repeated pairs end up side by side, in
  // the order of the file.
  std::vector<std::int64_t> column_begin(at(matrix.n_columns) + 1);
  std::vector<std::int64_t> row_begin(at(matrix.n_rows) + 1);
  for (const auto& piece : pieces_) {
    for (const Pair& pair : piece) {
      ++column_begin[at(column_place[at(pair.column)]) + 1];
      ++row_begin[at(row_place[at(pair.row)]) + 1];
    }
  }
  accumulate(column_begin);
  accumulate(row_begin);
  std::vector<Pair> by_column(at(size_));
  for (auto& piece : pieces_) {
    for (const Pair& pair : piece) {
      const Pair placed = {row_place[at(pair.row)], column_place[at(pair.column)], pair.value};
      by_column[at(column_begin[at(placed.column)]++)] = placed;
    }
    std::vector<Pair>().swap(piece);
  }
  matrix.columns.resize(at(size_));
  std::vector<double> values(at(size_));
  std::vector<std::int64_t> row_end(row_begin);
  for (const Pair& pair : by_column) {
    const std::size_t to = at(row_end[at(pair.row)]++);
    matrix.columns[to] = pair.column;
    values[to] = pair.value;
  }
  std::vector<Pair>().swap(by_column);

  matrix.row_offsets.reserve(at(matrix.n_rows) + 1);
  matrix.values.reserve(at(size_));
  std::size_t kept = 0;
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const std::size_t end = at(row_end[at(row)]);
    for (std::size_t i = at(row_begin[at(row)]), next = i; i < end; i = next) {
      const std::int32_t column = matrix.columns[i];
      while (next < end && matrix.columns[next] == column) ++next;
      result.pairs_repeated += static_cast<std::int64_t>(next - i) - 1;
      const double value = options.repeated == RepeatedPairs::kLast || next == i + 1
                               ? values[next - 1]
                               : mean(&values[i], next - i);
      auto rating = static_cast<float>(value);
      if (rating == 0) {
        if (!options.keep_zeros) {
          ++result.zeros_dropped;
          continue;
        }
        rating = 0;  // not -0: it is the same rating
      }
      matrix.columns[kept++] = column;
      matrix.values.push_back(rating);
    }
    matrix.row_offsets.push_back(static_cast<std::int64_t>(kept));
  }
  matrix.columns.resize(kept);
  return result;
}

}  // namespace hourglass
