#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/block_stream.h"

namespace hourglass {

/// What stands between two fields: one byte, or that byte twice ("::").
struct Separator {
  char byte = ',';
  bool doubled = false;
};

/// The fields of a text, one after the other, as RFC 4180 has them: quotes, doubled quotes and
/// newlines inside quotes, CRLF or LF. Blank lines are skipped. Knows where it is.
///
///     while (fields.begin_record()) {
///       do use(fields.next()); while (!fields.record_ended());
///     }
class CsvFields {
 public:
  /// A longer field is an error: more likely a quote that is never closed.
  static constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;

  /// Starts at `window`, which `stream` goes on; no stream: the window is all there is.
  CsvFields(std::string file, BlockStream* stream, std::string_view window, Separator separator);

  /// Goes to the next line that is not blank. False at the end of the text.
  bool begin_record();
  /// The next field of the record, unquoted; valid until the next call of any kind.
  std::string_view next();
  /// The field that next() returned was the last of its record.
  bool record_ended() const { return record_ended_; }
  /// Passes the empty, unquoted fields that come next, as far as they are in memory: most of a wide
  /// file is these. Leaves the record's last field for next().
  void skip_empty();

  std::int64_t line() const { return field_line_; }  ///< of the last field's begin, from 1
  std::int64_t column() const { return column_; }    ///< of the last field, from 1
  const std::string& file() const { return file_; }

  /// Throws Error: FILE:LINE:COLUMN of the last field, then `what`.
  [[noreturn]] void fail(const std::string& what) const { fail_at(field_line_, column_, what); }
  [[noreturn]] void fail_at(std::int64_t line, std::int64_t column, const std::string& what) const;

 private:
  bool refill();
  std::size_t need_more(std::size_t scanned);
  void finish(const char* end);
  std::string_view next_quoted();

  std::string file_;
  BlockStream* stream_;
  Separator separator_;
  const char* cursor_;  // the text that is in memory and unread: [cursor_, end_)
  const char* end_;
  std::int64_t line_ = 1;  // of cursor_
  std::int64_t field_line_ = 1;
  std::int64_t column_ = 1;
  bool record_ended_ = false;
  std::string unquoted_;
};

/// `text` for a message: in quotes, cut to `most` bytes, unprintable ones as \xNN.
std::string shown(std::string_view text, std::size_t most = 40);

}  // namespace hourglass
