#include "hourglass/data/read_ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
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

Ratings read_text(const std::string& path, std::unique_ptr<ByteSource> text,
                  const ReadOptions& options) {
  BlockStream stream(std::move(text), options.block_bytes);
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

}  // namespace

void check_id(const CsvFields& fields, std::string_view id) {
  if (id.empty()) fields.fail("the id is empty; give each row and each column an id");
  if (id.find('\0') != std::string_view::npos) {
    fields.fail("an id holds a byte that is 0, so this is no text; name a CSV file of ratings");
  }
}

Ratings read_ratings(const std::string& path, const ReadOptions& options) {
  Text text = open_text(path, Inflating::kFast);
  if (text.by_isal) {
    try {
      return read_text(path, std::move(text.source), options);
    } catch (const Error&) {  // zlib says it
    }
    text = open_text(path, Inflating::kZlib);
  }
  return read_text(path, std::move(text.source), options);
}

}  // namespace hourglass
