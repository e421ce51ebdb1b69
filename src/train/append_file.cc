#include "train/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "hourglass/core/error.h"

namespace hourglass {

AppendFile::AppendFile(std::filesystem::path path)
    : path_(std::move(path)),
      // O_NONBLOCK: a pipe of that name must be refused below, not waited for. O_NOFOLLOW: a link
      // in a run's folder from elsewhere must not have its target cut to the records that are ours.
      file_(retry([&] {
        return ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
      })) {
  if (!file_.is_open() && errno == ELOOP) {
    throw Error(
        fmt::format("{}: cannot write it: it is a symbolic link; remove it", path_.string()));
  }
  if (!file_.is_open()) throw_file_error(path_, "write it", errno);
  struct stat status;
  if (::fstat(file_.get(), &status) != 0) throw_file_error(path_, "write it", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(
        fmt::format("{}: cannot write it: it is not a regular file; remove it", path_.string()));
  }
  // Other errors than EWOULDBLOCK: a file system without locks.
  if (retry([&] { return ::flock(file_.get(), LOCK_EX | LOCK_NB); }) != 0 && errno == EWOULDBLOCK) {
    throw Error(fmt::format("{}: another program is writing it; wait for it, or use another folder",
                            path_.string()));
  }
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;  // of some million epochs
  if (status.st_size > kMaxBytes) {
    throw Error(fmt::format("{}: is too large to be ours; remove it", path_.string()));
  }
  size_ = status.st_size;
}

std::string AppendFile::read(std::int64_t begin, std::int64_t end) const {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  const auto size = static_cast<std::size_t>(end - begin);
  std::string content;  // grows as it is read: a file with holes is large at no cost
  while (content.size() < size) {
    const std::size_t done = content.size();
    content.resize(std::min(size, done + kPieceBytes));
    const ssize_t n = retry([&] {
      return ::pread(file_.get(), content.data() + done, content.size() - done,
                     static_cast<off_t>(begin) + static_cast<off_t>(done));
    });
    if (n <= 0) throw_file_error(path_, "read it", n == 0 ? EIO : errno);
    content.resize(done + static_cast<std::size_t>(n));
  }
  return content;
}

void AppendFile::truncate(std::int64_t bytes) {
  if (retry([&] { return ::ftruncate(file_.get(), bytes); }) != 0)
    throw_file_error(path_, "write it", errno);
  size_ = bytes;
}

void AppendFile::append(std::string_view record) {
  std::size_t done = 0;
  while (done < record.size()) {
    const ssize_t n = retry([&] {
      return ::pwrite(file_.get(), record.data() + done, record.size() - done,
                      size_ + static_cast<off_t>(done));
    });
    if (n <= 0) {
      const int error = n == 0 ? EIO : errno;
      // A reader must not meet half a record. Where even this fails, the first error is the news.
      if (::ftruncate(file_.get(), size_) != 0) errno = error;
      throw_file_error(path_, "write it", error);
    }
    done += static_cast<std::size_t>(n);
  }
  size_ += static_cast<std::int64_t>(record.size());
}

void AppendFile::sync() {
  if (retry([&] { return ::fsync(file_.get()); }) != 0) throw_file_error(path_, "write it", errno);
}

}  // namespace hourglass
