#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hourglass/core/csr.h"
#include "hourglass/core/huge_pages.h"
#include "hourglass/data/read_ratings.h"

namespace hourglass {

/// The lines of a long file as numbers, on their way to a matrix.
class PairList {
 public:
  struct Pair {
    std::int32_t row, column;
    double value;
  };
  /// A pair's second line, and the first.
  struct Repetition {
    std::int32_t row, column;
    std::int64_t line, first_line;
  };
  struct Assembled {
    CsrMatrix matrix;
    std::int64_t zeros_dropped = 0;
    std::int64_t pairs_repeated = 0;
  };

  explicit PairList(bool keep_lines) : keep_lines_(keep_lines) {}

  /// `line` is kept for first_repetition alone.
  void add(const Pair& pair, std::int64_t line) {
    const auto place = static_cast<std::size_t>(size_) % kPiecePairs;
    if (place == 0) pieces_.emplace_back(kPiecePairs);
    pieces_.back().data()[place] = pair;
    floats_ = floats_ && static_cast<double>(static_cast<float>(pair.value)) == pair.value;
    if (keep_lines_) lines_.push_back(line);
    ++size_;
  }
  std::int64_t size() const { return size_; }

  /// The first line, in the file's order, whose pair was there before; needs keep_lines. False:
  /// none.
  bool first_repetition(Repetition& found) const;

  /// The matrix, of which row r is the pairs' row row_order[r], and columns likewise. Takes the
  /// pairs' memory. Sums of repeated pairs run in the file's order.
  Assembled assemble(const std::vector<std::int32_t>& row_order,
                     const std::vector<std::int32_t>& column_order, const ReadOptions& options) &&;

 private:
  // Pieces instead of one vector: growing never copies, and never holds the pairs twice.
  static constexpr std::size_t kPiecePairs = std::size_t{1} << 17;  // a huge page of them

  std::span<const Pair> piece(std::size_t i) const {
    const std::size_t rest = static_cast<std::size_t>(size_) - i * kPiecePairs;
    return {pieces_[i].data(), std::min(rest, kPiecePairs)};
  }
  template <class Value>
  Assembled assemble_as(const std::vector<std::int32_t>& row_order,
                        const std::vector<std::int32_t>& column_order, const ReadOptions& options);

  std::vector<HugeArray<Pair>> pieces_;
  std::vector<std::int64_t> lines_;
  std::int64_t size_ = 0;
  bool keep_lines_;
  bool floats_ = true;  // each value is a float's, as 4.5 is and 4.1 is not
};

}  // namespace hourglass
