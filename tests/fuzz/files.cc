#include "fuzz/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hourglass::fuzz {
namespace {

void check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

void put_all(int file, std::string_view bytes) {
  check(::ftruncate(file, 0) == 0, "ftruncate");
  check(::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
        "pwrite");
}

}  // namespace

MemoryFile::MemoryFile() : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
  check(descriptor_ >= 0, "memfd_create");
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}
MemoryFile::~MemoryFile() { ::close(descriptor_); }

void MemoryFile::put(std::string_view bytes) { put_all(descriptor_, bytes); }

MemoryFolder::MemoryFolder() {
  const bool in_memory = ::access("/dev/shm", W_OK | X_OK) == 0;
  std::string name = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  name += "/hourglass-fuzz.XXXXXX";
  check(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}
MemoryFolder::~MemoryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void MemoryFolder::put(std::string_view name, std::string_view bytes) const {
  const int file = ::open((path_ / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  check(file >= 0, "open");
  put_all(file, bytes);
  ::close(file);
}

void MemoryFolder::remove(std::string_view name) const { ::unlink((path_ / name).c_str()); }

std::string MemoryFolder::read(std::string_view name) const {
  std::string bytes;
  const int file = ::open((path_ / name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return bytes;
  bytes.resize(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)));
  check(::pread(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
        "pread");
  ::close(file);
  return bytes;
}

}  // namespace hourglass::fuzz
