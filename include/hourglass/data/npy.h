#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace hourglass {

/// Writes a matrix [n_rows, n_columns], row-major, for numpy.load: NPY format 1.0 (NumPy
/// Enhancement Proposal 1), '<f4', C order; the data begins at a multiple of 64 bytes. Whole or not
/// at all (AtomicFile). Throws Error for what the disk refuses, std::invalid_argument where
/// `values` has not n_rows * n_columns floats.
void save_npy(const std::filesystem::path& path, std::span<const float> values, std::int64_t n_rows,
              std::int64_t n_columns);

}  // namespace hourglass
