#pragma once

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

namespace hourglass {

/// Owns an open file: closes it when it goes. Move-only.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void reset() noexcept;

 private:
  int descriptor_ = -1;
};

/// A system call's result; `call` is made again while a signal interrupts it.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Throws the Error `PATH: cannot ACTION: REASON; HINT` for a system call on `path` that left
/// `error` in errno ("no space left on device; free some or write elsewhere").
[[noreturn]] void throw_file_error(const std::filesystem::path& path, std::string_view action,
                                   int error);

}  // namespace hourglass
