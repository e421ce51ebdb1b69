#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "hourglass/core/atomic_file.h"

namespace hourglass {

/// Writes a matrix [n_rows, n_columns], row-major, piece by piece, for numpy.load: NPY format 1.0
/// (NumPy Enhancement Proposal 1), '<f4', C order; the data begins at a multiple of 64 bytes. Whole
/// or not at all (AtomicFile). Throws Error for what the disk refuses, std::invalid_argument where
/// what was written by commit() are not n_rows * n_columns floats.
class NpyFile {
 public:
  NpyFile(const std::filesystem::path& path, std::int64_t n_rows, std::int64_t n_columns);
  void write(std::span<const float> values);
  void commit();

 private:
  AtomicFile file_;
  std::int64_t missing_ = 0;  ///< floats
};

/// The same in one piece.
void save_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t n_rows,
              std::int64_t n_columns);

}  // namespace hourglass
