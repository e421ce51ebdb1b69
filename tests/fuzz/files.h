#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hourglass::fuzz {

/// A file in memory that a path names: opening it is all that a reader can tell from a disk's.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void put(std::string_view bytes);
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

/// A folder in memory where there is such a file system, removed at exit.
class MemoryFolder {
 public:
  MemoryFolder();
  ~MemoryFolder();
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void put(std::string_view name, std::string_view bytes) const;
  void remove(std::string_view name) const;
  std::string read(std::string_view name) const;

 private:
  std::filesystem::path path_;
};

}  // namespace hourglass::fuzz
