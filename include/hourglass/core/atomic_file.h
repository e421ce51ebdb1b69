#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "hourglass/core/file_descriptor.h"

namespace hourglass {

/// A file that appears under its name whole or not at all. Bytes go to `.NAME.tmp` in the same
/// folder; commit() syncs them and renames. Until then a file that was there before stays as it
/// was.
///
/// The temporary's name is fixed, so that what a killed process left is overwritten, not collected;
/// a lock on it refuses a second writer of the same file. Every failure throws an Error that names
/// the file and what to do, and removes the temporary; the object is then good for nothing.
class AtomicFile {
 public:
  /// Opens the temporary. Throws Error where the folder is missing or closed to us, `path` is
  /// there and no regular file, or another AtomicFile is writing it.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  ///< without commit(): removes the temporary

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  /// Replaces bytes already written, [offset, offset + bytes.size()) (a checksum, a count).
  void patch(std::int64_t offset, std::span<const std::byte> bytes);
  void patch(std::int64_t offset, std::string_view text) {
    patch(offset, std::as_bytes(std::span(text)));
  }

  /// Bytes written so far.
  std::int64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Syncs, renames, syncs the folder. After it only destruction is allowed.
  void commit();

 private:
  void open_temporary();
  void flush();
  void write_all(std::span<const std::byte> bytes, std::int64_t offset);
  void discard() noexcept;
  [[noreturn]] void fail(int error);
  void require_open() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor file_;
  std::unique_ptr<std::byte[]> buffer_;  ///< [kBufferBytes]: small writes gather here
  std::size_t buffered_ = 0;
  std::int64_t size_ = 0;
};

/// Removes `path`, and what a killed process left of it, where they are there. Throws Error.
void remove_file(const std::filesystem::path& path);

/// The whole of `path` becomes `text`, or stays as it was and an Error is thrown.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace hourglass
