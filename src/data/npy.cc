#include "hourglass/data/npy.h"

#include <fmt/format.h>

#include <bit>
#include <limits>
#include <stdexcept>
#include <string>

namespace hourglass {

NpyFile::NpyFile(const std::filesystem::path& path, std::int64_t n_rows, std::int64_t n_columns)
    : file_(path) {
  static_assert(std::endian::native == std::endian::little, "'<f4' is little-endian");
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (n_rows < 0 || n_columns < 0 || (n_columns > 0 && n_rows > kMost / n_columns)) {
    throw std::invalid_argument("NpyFile: a shape that no matrix has");
  }
  missing_ = n_rows * n_columns;
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kPrefixBytes = 10;  // magic, version, the length of the header in 2 bytes
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_rows, n_columns);
  const std::size_t used = kPrefixBytes + header.size() + 1;
  header.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string prefix("\x93NUMPY\x01\x00", 8);
  prefix += static_cast<char>(header.size() & 0xFF);
  prefix += static_cast<char>(header.size() >> 8);
  file_.write(prefix);
  file_.write(header);
}

void NpyFile::write(std::span<const float> values) {
  missing_ -= std::ssize(values);
  file_.write(std::as_bytes(values));
}

void NpyFile::commit() {
  if (missing_ != 0) {
    throw std::invalid_argument("NpyFile: the values are not n_rows * n_columns");
  }
  file_.commit();
}

void save_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t n_rows,
              std::int64_t n_columns) {
  NpyFile file(path, n_rows, n_columns);
  file.write(values);
  file.commit();
}

}  // namespace hourglass
