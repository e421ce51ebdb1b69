#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "hourglass/core/file_descriptor.h"

namespace hourglass {

/// A log: records are appended one by one, each whole or not at all, and can be taken back to an
/// earlier length. A lock on it refuses a second writer. Failures throw Error and leave the file at
/// the records before.
class AppendFile {
 public:
  /// Opens `path`, making it where it is missing.
  explicit AppendFile(std::filesystem::path path);

  std::string read() const { return read(0, size_); }  ///< the whole content
  std::string read(std::int64_t begin, std::int64_t end) const;

  /// Cuts the file to its first `bytes` bytes, which it must have.
  void truncate(std::int64_t bytes);

  /// One write() a record: a kill of the process leaves it there or not. A record that a full disk
  /// cut short is taken back.
  void append(std::string_view record);

  void sync();  ///< what was appended outlives a loss of power

  std::int64_t size() const { return size_; }

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  std::int64_t size_ = 0;
};

}  // namespace hourglass
