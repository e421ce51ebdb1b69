#include "data/csv_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

// The first byte of [p, end) that is not `byte`: 32 bytes a step, since half a gigabyte of
// separators goes through here.
const char* skip_run(const char* p, const char* end, char byte) {
  const std::uint64_t pattern = 0x0101010101010101u * static_cast<unsigned char>(byte);
  while (end - p >= 32) {
    std::uint64_t words[4];
    std::memcpy(words, p, 32);
    if (((words[0] ^ pattern) | (words[1] ^ pattern) | (words[2] ^ pattern) |
         (words[3] ^ pattern)) != 0) {
      break;
    }
    p += 32;
  }
  while (end - p >= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= pattern;
    if (word != 0) {
      return p + std::countr_zero(word) / 8;  // little-endian, as before_stop asserts
    }
    p += 8;
  }
  while (p < end && *p == byte) ++p;
  return p;
}

}  // namespace

CsvFields::CsvFields(std::string file, BlockStream* stream, std::string_view window,
                     Separator separator)
    : file_(std::move(file)),
      stream_(stream),
      separator_(separator),
      cursor_(window.data()),
      end_(window.data() + window.size()) {}

// False where the text ends. Keeps what is unread, at a new address.
bool CsvFields::refill() {
  if (stream_ == nullptr) return false;
  const auto unread = static_cast<std::size_t>(end_ - cursor_);
  std::string_view window;
  try {
    window = stream_->next({cursor_, unread});
  } catch (const SourceError& fault) {
    fail_at(line_, column_, fault.what());
  }
  cursor_ = window.data();
  end_ = window.data() + window.size();
  return window.size() > unread;
}

// The field at cursor_ goes on behind the window, of which `scanned` bytes are known to be in it.
// Returns the bytes in memory from cursor_ on; `scanned` itself: the text ends there.
std::size_t CsvFields::need_more(std::size_t scanned) {
  if (scanned > kMaxFieldBytes) {
    fail(fmt::format("a field of more than {} bytes; is a quote left open, or is this no text?",
                     kMaxFieldBytes));
  }
  refill();
  return static_cast<std::size_t>(end_ - cursor_);
}

// Begins a record where a blank line or the end of the window is in sight.
bool CsvFields::begin_record_at_edge() {
  record_ended_ = false;
  column_ = 1;
  for (;;) {
    if (cursor_ == end_ && !refill()) break;
    if (*cursor_ == '\r' && end_ - cursor_ == 1 && !refill()) {
      ++cursor_;
      break;
    }
    const bool crlf = *cursor_ == '\r' && cursor_[1] == '\n';
    if (!crlf && *cursor_ != '\n') {
      start_record();
      return true;
    }
    cursor_ += crlf ? 2 : 1;
    ++line_;
  }
  field_line_ = line_;
  return false;
}

void CsvFields::skip_empty() {
  if (separator_.doubled) return;
  const char* const stop = skip_run(cursor_, end_, separator_.byte);
  column_ += stop - cursor_;
  cursor_ = stop;
}

// A field of any length, quoted or not, wherever the window ends.
std::string_view CsvFields::next_at_length() {
  if (cursor_ == end_) refill();
  if (cursor_ != end_ && *cursor_ == '"') return next_quoted();
  const char* p = cursor_;
  for (;;) {
    for (std::size_t passed = 8; passed == 8 && end_ - p >= 8; p += passed) passed = before_stop(p);
    while (p < end_ && *p != separator_.byte && *p != '\n') ++p;
    if (p < end_) {
      if (*p == '\n' || !separator_.doubled) break;
      if (p + 1 < end_) {
        if (p[1] == separator_.byte) break;
        ++p;
        continue;
      }
    }
    const auto scanned = static_cast<std::size_t>(p - cursor_);
    const auto before = static_cast<std::size_t>(end_ - cursor_);
    const bool ended = need_more(scanned) == before;
    p = cursor_ + scanned;
    if (ended) {
      p = end_;
      break;
    }
  }
  return take(p);
}

std::string_view CsvFields::next_quoted() {
  std::size_t scanned = 1;  // from the opening quote
  bool escapes = false;
  std::size_t close = 0;  // the closing quote
  std::size_t after = 0;  // the byte behind it, and behind the CR of a CRLF
  for (;;) {
    const auto in_memory = static_cast<std::size_t>(end_ - cursor_);
    const void* quote = std::memchr(cursor_ + scanned, '"', in_memory - scanned);
    if (quote == nullptr) {
      if (need_more(in_memory) == in_memory) {
        fail("the quote that opens here is never closed; close it, or double the quotes inside");
      }
      scanned = in_memory;
      continue;
    }
    close = static_cast<std::size_t>(static_cast<const char*>(quote) - cursor_);
    // What follows needs up to two bytes: a second quote, a CRLF, a doubled separator.
    std::size_t have = in_memory;
    while (have < close + 3 && need_more(have) > have)
      have = static_cast<std::size_t>(end_ - cursor_);
    if (close + 1 < have && cursor_[close + 1] == '"') {
      escapes = true;
      scanned = close + 2;
      continue;
    }
    after = close + 1;
    if (after < have && cursor_[after] == '\r' &&
        (after + 1 == have || cursor_[after + 1] == '\n')) {
      ++after;
    }
    const bool ends =
        after == have || cursor_[after] == '\n' ||
        (cursor_[after] == separator_.byte &&
         (!separator_.doubled || (after + 1 < have && cursor_[after + 1] == separator_.byte)));
    if (!ends) {
      fail("text follows the closing quote; quote the whole field and double the quotes inside");
    }
    break;
  }
  std::string_view text(cursor_ + 1, close - 1);
  const auto newlines = std::count(text.begin(), text.end(), '\n');
  if (escapes) {
    unquoted_.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
      unquoted_ += text[i];
      if (text[i] == '"') ++i;
    }
    text = unquoted_;
  }
  finish(cursor_ + after);
  line_ += newlines;
  return text;
}

void CsvFields::fail_at(std::int64_t line, std::int64_t column, const std::string& what) const {
  throw Error(fmt::format("{}:{}:{}: {}", file_, line, std::max<std::int64_t>(column, 1), what));
}

std::string shown(std::string_view text, std::size_t most) {
  std::string result = "'";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02X}", byte);
    } else {
      result += c;
    }
  }
  return result + (text.size() > most ? "...'" : "'");
}

}  // namespace hourglass
