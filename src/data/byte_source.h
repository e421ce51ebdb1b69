#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "data/inflater.h"

namespace hourglass {

/// Bytes could not be had. what() lacks the place: who reads the text knows it and adds it.
class SourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The bytes of a text, from front to back.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills to[0, size) from its front and returns how much of it is filled: 0 only at the end.
  /// Throws SourceError, but not before the bytes in front of the fault were handed out.
  virtual std::size_t read(char* to, std::size_t size) = 0;
};

/// The text of a file.
struct Text {
  std::unique_ptr<ByteSource> source;
  /// Inflated by ISA-L: where anything is found to be wrong, the file should be read again by zlib,
  /// which says the same of it however it is read.
  bool by_isal = false;
};

enum class Inflating { kFast, kZlib };

/// Inflates a file where its first bytes say gzip (any number of members): kFast by ISA-L, where
/// the build has it and the file can be read twice. Throws Error where the file cannot be opened or
/// is a directory.
Text open_text(const std::string& path, Inflating inflating);

/// Inflates a gzip stream: members one after the other, each checked against its CRC; zeros behind
/// the last one are padding.
std::unique_ptr<ByteSource> inflate_gzip(std::unique_ptr<ByteSource> packed,
                                         std::unique_ptr<Inflater> inflater);

}  // namespace hourglass
