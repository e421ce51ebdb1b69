#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hourglass/core/csr.h"

namespace hourglass {

/// A list of ids, each a byte string ("0002155400" keeps its zeros), in one block of memory.
class IdList {
 public:
  void add(std::string_view id) {
    bytes_.append(id);
    offsets_.push_back(bytes_.size());
  }
  std::int64_t size() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::size_t bytes() const { return bytes_.size(); }  ///< of all of them
  std::string_view operator[](std::int64_t i) const {
    const auto k = static_cast<std::size_t>(i);
    return std::string_view(bytes_).substr(offsets_[k], offsets_[k + 1] - offsets_[k]);
  }
  bool operator==(const IdList&) const = default;

 private:
  std::string bytes_;
  std::vector<std::size_t> offsets_ = {0};
};

/// How a file lays ratings out. Wide: a row a line, a column a field. Long: a rating a line.
enum class RatingsFormat { kAuto, kWide, kLong };

/// Ratings with the ids of their rows and columns, and what the reader did to them.
struct Ratings {
  CsrMatrix matrix;
  IdList row_ids;                  ///< [matrix.n_rows]
  IdList column_ids;               ///< [matrix.n_columns]
  std::string row_name = "row";    ///< what the file calls its rows ("book_id")
  std::int64_t zeros_dropped = 0;  ///< cells equal to 0 that were read and dropped
  std::int64_t pairs_repeated =
      0;  ///< lines of a long file beyond the first of their (row, column)
  RatingsFormat format = RatingsFormat::kWide;  ///< how the file was read; never kAuto
};

}  // namespace hourglass
