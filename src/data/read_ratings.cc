#include "hourglass/data/read_ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "data/block_stream.h"
#include "data/byte_source.h"
#include "data/csv_fields.h"
#include "data/file_form.h"
#include "data/readers.h"
#include "hourglass/core/error.h"

namespace hourglass {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// A zero byte is in no text, and in nearly any other file.
void refuse_binary(const CsvFields& fields, std::string_view beginning, char separator) {
  const auto zero = beginning.find('\0');
  if (zero == std::string_view::npos) return;
  const std::string_view before = beginning.substr(0, zero);
  const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  fields.fail_at(1 + std::count(before.begin(), before.end(), '\n'),
                 1 + std::count(before.begin() + static_cast<std::ptrdiff_t>(line_begin),
                                before.end(), separator),
                 "this is no text (a byte is 0); name a CSV file of ratings, gzip or not");
}

}  // namespace

void check_id(const CsvFields& fields, std::string_view id) {
  if (id.empty()) fields.fail("the id is empty; give each row and each column an id");
  if (id.find('\0') != std::string_view::npos) {
    fields.fail("an id holds a byte that is 0, so this is no text; name a CSV file of ratings");
  }
}

CsrMatrix transposed(const CsrMatrix& matrix) {
  CsrMatrix result;
  result.n_rows = matrix.n_columns;
  result.n_columns = matrix.n_rows;
  const auto n_rows = static_cast<std::size_t>(result.n_rows);
  std::vector<std::int64_t> begin(n_rows + 1);
  for (const std::int32_t column : matrix.columns) ++begin[static_cast<std::size_t>(column) + 1];
  for (std::size_t i = 1; i <= n_rows; ++i) begin[i] += begin[i - 1];
  result.row_offsets = begin;
  result.columns.resize(matrix.columns.size());
  result.values.resize(matrix.values.size());
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const auto first = static_cast<std::size_t>(matrix.row_offsets[static_cast<std::size_t>(row)]);
    const auto end = first + static_cast<std::size_t>(matrix.row_length(row));
    for (std::size_t i = first; i < end; ++i) {
      const auto to =
          static_cast<std::size_t>(begin[static_cast<std::size_t>(matrix.columns[i])]++);
      result.columns[to] = static_cast<std::int32_t>(row);
      result.values[to] = matrix.values[i];
    }
  }
  return result;
}

Ratings read_ratings(const std::string& path, const ReadOptions& options) {
  BlockStream stream(open_text(path), options.block_bytes);
  std::string_view beginning;
  bool whole = false;
  try {
    while (!whole && beginning.size() < kFormBytes) {
      const std::size_t before = beginning.size();
      beginning = stream.next(beginning);
      whole = beginning.size() == before;
    }
  } catch (const SourceError&) {
    // What came before the fault is in `beginning`; the reader meets the fault at its place.
  }
  if (beginning.starts_with(kByteOrderMark)) beginning.remove_prefix(kByteOrderMark.size());
  const FileForm form = recognize_form(beginning.substr(0, kFormBytes), whole, options);
  CsvFields fields(path, &stream, beginning, form.separator);
  refuse_binary(fields, beginning, form.separator.byte);
  return form.format == RatingsFormat::kLong ? read_long(fields, form, options)
                                             : read_wide(fields, form, options);
}

}  // namespace hourglass
