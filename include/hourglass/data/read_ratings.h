#pragma once

#include <cstddef>
#include <string>

#include "hourglass/data/ratings.h"

namespace hourglass {

/// What to do with the lines of a long file that name the same (row, column) pair.
enum class RepeatedPairs {
  kMean,   ///< average them in double, as pandas' pivot_table does
  kLast,   ///< the last line counts
  kError,  ///< refuse the file
};

struct ReadOptions {
  RatingsFormat format = RatingsFormat::kAuto;
  RepeatedPairs repeated = RepeatedPairs::kMean;
  bool keep_zeros = false;  ///< a cell equal to 0 is a rating, not the absence of one
  bool transpose = false;   ///< swap rows and columns
  /// "," "\t" ";" or "::"; empty: whichever the first line has most of.
  std::string separator;
  /// Which columns of a long file: names in its header, or numbers from 1. Empty: the value is the
  /// column with a value's name (the third where there is none), the row id is the first of the
  /// others, the column id the second. Any of them set: the file is long.
  std::string row_column, column_column, value_column;
  std::size_t block_bytes = std::size_t{1} << 18;  ///< unpacked at a time; tests make it tiny
};

/// Reads a file of ratings, gzip or not (by content), in memory that grows with its ratings.
///
/// Wide: the header holds a name for the rows and then the column ids; each line a row id and then
/// one field a column, empty where there is no rating. Order is kept, and so are empty rows.
/// Long: a line holds a row id, a column id and a value; further fields are ignored. A first line
/// in which no field is a number is a header. Ids are sorted: as numbers where all of them (of the
/// rows; of the columns) are whole numbers, else by bytes.
/// Both: fields as RFC 4180 (quotes, CRLF), a UTF-8 byte-order mark, blank lines skipped.
///
/// With kAuto a file is long where
///   - its separator is `::`; or
///   - its first line has 3 to 16 fields, of which one is named as a value (rating, score, value,
///     stars; also as the end of a name: Book-Rating), or of which the first two are named as a
///     user and an item (user, customer, reader; item, movie, book, product, song, ...; with or
///     without "id"); or
///   - it has no header: each line has the same 3 or 4 fields, none empty, the third is a number,
///   and
///     the first two of the first line are numbers or neither is ("book_id,1,2" is a wide header).
/// Otherwise it is wide.
///
/// Throws Error with FILE:LINE:COLUMN (COLUMN counts fields from 1), what is wrong and what to do;
/// UsageError where options contradict each other.
Ratings read_ratings(const std::string& path, const ReadOptions& options = {});

}  // namespace hourglass
