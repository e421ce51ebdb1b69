#include "data/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "hourglass/core/error.h"
#include "hourglass/core/file_descriptor.h"

namespace hourglass {
namespace {

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status;
    if (!file_.is_open() || ::fstat(file_.get(), &status) != 0) {
      throw Error(fmt::format("{}: cannot be read: {}; check the name and its permissions", path,
                              std::strerror(errno)));
    }
    if (S_ISDIR(status.st_mode)) {
      throw Error(fmt::format("{}: is a directory; name a file of ratings", path));
    }
    can_be_read_twice_ = S_ISREG(status.st_mode);
    ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  bool can_be_read_twice() const { return can_be_read_twice_; }

  std::size_t read(char* to, std::size_t size) override {
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t got =
          retry([&] { return ::read(file_.get(), to + filled, size - filled); });
      if (got == 0) break;
      if (got < 0) {
        if (filled > 0) break;  // hand these out; the next call meets the fault again
        throw SourceError(fmt::format("reading failed: {}; copy the file elsewhere and try again",
                                      std::strerror(errno)));
      }
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

 private:
  FileDescriptor file_;
  bool can_be_read_twice_ = false;
};

/// A source whose first bytes were looked at and are put back in front.
class PrefixedSource final : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}

  std::size_t read(char* to, std::size_t size) override {
    const std::size_t kept = prefix_.copy(to, size, taken_);
    taken_ += kept;
    return kept > 0 ? kept : rest_->read(to, size);
  }

 private:
  std::string prefix_;
  std::size_t taken_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

/// What a file is that is neither text nor gzip, by its first bytes; empty where they say nothing.
std::string_view other_kind(std::string_view head) {
  constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {{"PK\3\4", 4}, "a zip archive; unpack it first"},
      {{"\x28\xB5\x2F\xFD", 4}, "zstd; unpack it first (zstd -d)"},
      {{"\xFD"
        "7zXZ",
        5},
       "xz; unpack it first (xz -d)"},
      {{"BZh", 3}, "bzip2; unpack it first (bzip2 -d)"},
      {{"PAR1", 4}, "Parquet; export it as CSV"},
      {{"\x89HDF", 4}, "HDF5; export it as CSV"},
      {{"\xFF\xFE", 2}, "UTF-16 text; save it as UTF-8"},
      {{"\xFE\xFF", 2}, "UTF-16 text; save it as UTF-8"},
  };
  for (const auto& [magic, what] : kKinds) {
    if (head.starts_with(magic)) return what;
  }
  return {};
}

}  // namespace

Text open_text(const std::string& path, Inflating inflating) {
  auto opened = std::make_unique<FileSource>(path);
  const bool fast = inflating == Inflating::kFast && opened->can_be_read_twice();
  std::unique_ptr<ByteSource> file = std::move(opened);
  std::string head(8, '\0');
  try {
    head.resize(file->read(head.data(), head.size()));
  } catch (const SourceError& fault) {
    throw Error(fmt::format("{}: {}", path, fault.what()));
  }
  if (const auto kind = other_kind(head); !kind.empty()) {
    throw Error(fmt::format("{}:1:1: this is {}", path, kind));
  }
  const bool gzip = head.starts_with("\x1F\x8B");
  file = std::make_unique<PrefixedSource>(std::move(head), std::move(file));
  if (!gzip) return {std::move(file)};
  std::unique_ptr<Inflater> isal = fast ? isal_inflater() : nullptr;
  if (isal != nullptr) return {inflate_gzip(std::move(file), std::move(isal)), true};
  return {inflate_gzip(std::move(file), zlib_inflater())};
}

}  // namespace hourglass
