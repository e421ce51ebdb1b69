#include "hourglass/data/write_wide.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <new>
#include <string_view>
#include <utility>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

/// A text on its way to a file: under a temporary name until finish(), then all there.
class TextFile {
 public:
  explicit TextFile(const std::string& path)
      : path_(path), temporary_(fmt::format("{}.tmp{}", path, ::getpid())) {
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) fail();
    if (path.ends_with(".gz")) {
      gzip_ = gzdopen(::dup(fd_), "wb");
      if (gzip_ == nullptr) throw std::bad_alloc();
    }
  }
  ~TextFile() {
    if (gzip_ != nullptr) gzclose(gzip_);
    if (fd_ >= 0) ::close(fd_);
    if (!finished_) ::unlink(temporary_.c_str());
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  void write(std::string_view text) {
    if (gzip_ != nullptr) {
      if (!text.empty() && gzwrite(gzip_, text.data(), static_cast<unsigned>(text.size())) == 0) {
        fail();
      }
      return;
    }
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno != EINTR) fail();
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void finish() {
    if (gzip_ != nullptr && gzclose(std::exchange(gzip_, nullptr)) != Z_OK) fail();
    if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0 ||
        std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail();
    }
    finished_ = true;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(fmt::format("{}: cannot be written: {}; check the folder and the space on the disk",
                            path_, std::strerror(errno)));
  }

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  gzFile gzip_ = nullptr;
  bool finished_ = false;
};

void append_id(std::string& line, std::string_view id) {
  const bool plain = !id.empty() && id.find_first_of(",;\t\"\r\n") == std::string_view::npos &&
                     !id.starts_with("\xEF\xBB\xBF");
  if (plain) {
    line += id;
    return;
  }
  line += '"';
  for (const char c : id) line.append(c == '"' ? 2 : 1, c);
  line += '"';
}

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
  append_id(line, ratings.row_name);
  for (std::int64_t column = 0; column < matrix.n_columns; ++column) {
    line += ',';
    append_id(line, ratings.column_ids[column]);
    pass_on();
  }
  line += '\n';
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    append_id(line, ratings.row_ids[row]);
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
  file.finish();
}

}  // namespace hourglass
