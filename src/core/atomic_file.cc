#include "hourglass/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "hourglass/core/create_folder.h"
#include "hourglass/core/error.h"

namespace hourglass {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

std::filesystem::path temporary_of(const std::filesystem::path& path) {
  return folder_of(path) / fmt::format(".{}.tmp", path.filename().string());
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)) {
  if (!path_.has_filename()) throw_file_error(path_, "write it", EISDIR);
  // A device or a pipe would be replaced by a regular file (and /dev/null be gone); a folder would
  // fail only at the rename, after all the work.
  struct stat status;
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw_file_error(path_, "write it", EISDIR);
    if (!S_ISREG(status.st_mode)) {
      throw Error(fmt::format("{}: cannot write it: it is not a regular file; name another",
                              path_.string()));
    }
  }
  temporary_ = temporary_of(path_);
  open_temporary();
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept = default;

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::open_temporary() {
  for (;;) {
    FileDescriptor file(retry([&] {
      return ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                    0666);
    }));
    if (!file.is_open()) throw_file_error(path_, "write it", errno);
    // Two writers of one temporary would mix their bytes. Where the file system has no locks
    // (errors other than EWOULDBLOCK) we go on without.
    if (retry([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0 &&
        errno == EWOULDBLOCK) {
      throw Error(fmt::format("{}: another program is writing it; wait for it, or write elsewhere",
                              path_.string()));
    }
    struct stat opened, named;
    if (::fstat(file.get(), &opened) != 0) throw_file_error(path_, "write it", errno);
    // Between our open and our lock the other writer may have renamed the file that we hold:
    // emptying it now would empty its finished file.
    if (::lstat(temporary_.c_str(), &named) != 0 || !same_file(opened, named)) continue;
    if (!S_ISREG(opened.st_mode)) {
      throw Error(fmt::format("{}: cannot write it: {} is in the way; remove that", path_.string(),
                              temporary_.string()));
    }
    file_ = std::move(file);
    if (retry([&] { return ::ftruncate(file_.get(), 0); }) != 0) fail(errno);
    return;
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  require_open();
  if (buffered_ + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_all(bytes, size_);
  } else if (!bytes.empty()) {
    std::memcpy(buffer_.get() + buffered_, bytes.data(), bytes.size());
    buffered_ += bytes.size();
  }
  size_ += static_cast<std::int64_t>(bytes.size());
}

void AtomicFile::patch(std::int64_t offset, std::span<const std::byte> bytes) {
  require_open();
  if (offset < 0 || offset > size_ || static_cast<std::int64_t>(bytes.size()) > size_ - offset) {
    throw std::out_of_range("AtomicFile::patch outside the bytes written");
  }
  flush();
  write_all(bytes, offset);
}

void AtomicFile::commit() {
  require_open();
  flush();
  if (retry([&] { return ::fsync(file_.get()); }) != 0) fail(errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  file_.reset();
  buffer_.reset();

  // The file is whole and in place; only now does the folder's own entry reach the disk.
  sync_folder(folder_of(path_));
}

void AtomicFile::flush() {
  const std::size_t pending = std::exchange(buffered_, 0);
  write_all({buffer_.get(), pending}, size_ - static_cast<std::int64_t>(pending));
}

void AtomicFile::write_all(std::span<const std::byte> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n =
        retry([&] { return ::pwrite(file_.get(), bytes.data(), bytes.size(), offset); });
    if (n <= 0) fail(n == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

void AtomicFile::discard() noexcept {
  if (!file_.is_open()) return;
  ::unlink(temporary_.c_str());
  file_.reset();  // after the unlink: the lock must hold until the name is gone
}

void AtomicFile::fail(int error) {
  discard();
  throw_file_error(path_, "write it", error);
}

void AtomicFile::require_open() const {
  if (!file_.is_open()) throw std::logic_error("AtomicFile used after commit or an error");
}

void remove_file(const std::filesystem::path& path) {
  for (const auto& name : {path, temporary_of(path)}) {
    struct stat status;  // a read-only file system refuses to remove even what is not there
    if (::lstat(name.c_str(), &status) != 0 && errno == ENOENT) continue;
    if (::unlink(name.c_str()) != 0 && errno != ENOENT) throw_file_error(name, "remove it", errno);
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace hourglass
