#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
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
  bool begin_record() {
    if (end_ - cursor_ < 2 || *cursor_ == '\n' || *cursor_ == '\r') return begin_record_at_edge();
    start_record();
    return true;
  }
  /// The next field of the record, unquoted; valid until the next call of any kind.
  std::string_view next() {
    ++column_;
    field_line_ = line_;
    if (end_ - cursor_ > 8 && *cursor_ != '"') {
      const char* const stop = cursor_ + before_stop(cursor_);
      const auto half = [&] { return separator_.doubled && *stop != '\n' && stop[1] != *stop; };
      if (stop != cursor_ + 8 && !half()) return take(stop);
    }
    return next_at_length();
  }
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
  bool begin_record_at_edge();
  bool refill();
  std::size_t need_more(std::size_t scanned);
  std::string_view next_at_length();
  std::string_view next_quoted();

  void start_record() {
    record_ended_ = false;
    column_ = 0;
    field_line_ = line_;
  }

  // How many of the 8 bytes at p stand in front of a separator's byte or a newline. Nearly all
  // fields of a long file are that short; looked at one by one, their bytes cost a mispredicted
  // branch a field.
  std::size_t before_stop(const char* p) const {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHighs = 0x8080808080808080u;
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    const std::uint64_t separators = word ^ (kOnes * static_cast<unsigned char>(separator_.byte));
    const std::uint64_t newlines = word ^ (kOnes * '\n');
    // The high bit of each byte that is zero, up to the first; behind it there may be more.
    const std::uint64_t stops =
        ((separators - kOnes) & ~separators & kHighs) | ((newlines - kOnes) & ~newlines & kHighs);
    return static_cast<std::size_t>(std::countr_zero(stops)) / 8;  // 8 where there is none
  }

  // The unquoted field that ends at `end`, which is a separator, a newline or the end of the text.
  std::string_view take(const char* end) {
    std::string_view text(cursor_, static_cast<std::size_t>(end - cursor_));
    finish(end);
    if (record_ended_ && text.ends_with('\r')) text.remove_suffix(1);
    return text;
  }

  void finish(const char* end) {
    if (end == end_) {
      record_ended_ = true;
      cursor_ = end;
    } else if (*end == '\n') {
      record_ended_ = true;
      cursor_ = end + 1;
      ++line_;
    } else {
      cursor_ = end + (separator_.doubled ? 2 : 1);
    }
  }

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
