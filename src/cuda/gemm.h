#pragma once

#include <cstdint>

#include "cuda/owners.h"
#include "hourglass/ops/backend.h"

namespace hourglass::cuda {

/// A row-major matrix as a factor of a product, perhaps to be read transposed.
struct Factor {
  Matrix<const float> matrix;
  bool transposed = false;
};

/// Products of row-major matrices by cuBLAS, on one stream, with memory of its own: it allocates
/// and waits for nothing, and may be captured into a graph.
class Gemm {
 public:
  explicit Gemm(cudaStream_t stream);

  Math math() const { return math_; }
  void set_math(Math math) { math_ = math; }

  /// out [m x n] = scale * left [m x k] right [k x n] (+ out, where `add`).
  void run(std::int64_t m, std::int64_t n, std::int64_t k, float scale, Factor left, Factor right,
           bool add, Matrix<float> out);

 private:
  CublasHandle handle_;
  Math math_ = Math::kFp32;
  DeviceMemory workspace_;
};

}  // namespace hourglass::cuda
