#include "hourglass/data/npy.h"

#include <fmt/format.h>

#include <bit>
#include <stdexcept>
#include <string>

#include "hourglass/core/atomic_file.h"

namespace hourglass {

void save_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t n_rows,
              std::int64_t n_columns) {
  static_assert(std::endian::native == std::endian::little, "'<f4' is little-endian");
  if (n_rows < 0 || n_columns < 0 ||
      static_cast<std::int64_t>(values.size()) != n_rows * n_columns) {
    throw std::invalid_argument("save_npy: the values are not n_rows * n_columns");
  }
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
  AtomicFile file(path);
  file.write(prefix);
  file.write(header);
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace hourglass
