#include "hourglass/data/write_wide.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <string_view>

#include "hourglass/core/atomic_file.h"
#include "hourglass/data/quote_field.h"

namespace hourglass {
namespace {

/// A text on its way to a file, packed on the way where the file's name ends in ".gz".
class TextFile {
 public:
  explicit TextFile(const std::string& path) : file_(path), gzip_(path.ends_with(".gz")) {
    constexpr int kGzipWindow = 15 + 16;  // zlib's code for "gzip, largest window"
    constexpr int kMemory = 8;
    if (gzip_ && deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory,
                              Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~TextFile() {
    if (gzip_) deflateEnd(&stream_);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  void write(std::string_view text) {
    if (gzip_) {
      deflate_all(text, Z_NO_FLUSH);
    } else {
      file_.write(text);
    }
  }

  void commit() {
    if (gzip_) deflate_all({}, Z_FINISH);
    file_.commit();
  }

 private:
  void deflate_all(std::string_view text, int flush) {
    // zlib reads only through next_in; its type lacks a const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
      stream_.avail_out = static_cast<uInt>(packed_.size());
      ::deflate(&stream_, flush);
      file_.write(std::string_view(packed_.data(), packed_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

  AtomicFile file_;
  bool gzip_;
  z_stream stream_ = {};
  std::array<char, 1 << 14> packed_;
};

}  // namespace

void write_wide(const Ratings& ratings, const std::string& path) {
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  const CsrMatrix& matrix = ratings.matrix;
  TextFile file(path);
  std::string line;
  const auto pass_on = [&] {
    if (line.size() < kChunk) return;
    file.write(line);
    line.clear();
  };
  // Empty fields come in runs of any length; a chunk of them at a time keeps the memory bounded.
  const auto append_separators = [&](std::int64_t n) {
    while (n > 0) {
      const auto some = std::min<std::int64_t>(n, kChunk);
      line.append(static_cast<std::size_t>(some), ',');
      n -= some;
      pass_on();
    }
  };
  append_field(line, ratings.row_name);
  for (std::int64_t column = 0; column < matrix.n_columns; ++column) {
    line += ',';
    append_field(line, ratings.column_ids[column]);
    pass_on();
  }
  line += '\n';
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    append_field(line, ratings.row_ids[row]);
    std::int64_t written = -1;  // the column of the last separator
    const auto begin = static_cast<std::size_t>(matrix.row_offsets[static_cast<std::size_t>(row)]);
    const auto end = begin + static_cast<std::size_t>(matrix.row_length(row));
    for (std::size_t i = begin; i < end; ++i) {
      append_separators(matrix.columns[i] - written);
      written = matrix.columns[i];
      fmt::format_to(std::back_inserter(line), "{}", matrix.values[i]);
    }
    append_separators(matrix.n_columns - 1 - written);
    line += '\n';
    pass_on();
  }
  file.write(line);
  file.commit();
}

}  // namespace hourglass
