#include "cuda/gemm.h"

#include <algorithm>
#include <limits>

#include "hourglass/core/error.h"

namespace hourglass::cuda {
namespace {

// What cuBLAS asks for on Hopper; without one of ours it would take memory when it likes, and could
// take other ways, and so other bits, on each call.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

int as_int(std::int64_t n) {
  if (n > std::numeric_limits<int>::max()) throw Error("CUDA: a matrix is too large for cuBLAS");
  return static_cast<int>(n);
}

cublasComputeType_t compute_type(Math math) {
  switch (math) {
    case Math::kTf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Math::kBf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    case Math::kFp32:
      break;
  }
  return CUBLAS_COMPUTE_32F;
}

}  // namespace

Gemm::Gemm(cudaStream_t stream) {
  cublasHandle_t handle = nullptr;
  check(cublasCreate_v2(&handle));
  handle_.reset(handle);
  void* workspace = nullptr;
  check(cudaMalloc(&workspace, kWorkspaceBytes));
  workspace_.reset(workspace);
  check(cublasSetStream_v2(handle, stream));
  check(cublasSetWorkspace_v2(handle, workspace, kWorkspaceBytes));
}

void Gemm::run(std::int64_t m, std::int64_t n, std::int64_t k, float scale, Factor left,
               Factor right, bool add, Matrix<float> out) {
  if (m == 0 || n == 0) return;
  // cuBLAS is column-major: what we call out is its transpose, right^T left^T.
  const auto operation = [](const Factor& f) { return f.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  // Where k is 0 a factor's rows may have no width; cuBLAS wants a stride of 1 even then.
  const auto stride = [](const Factor& f) {
    return as_int(std::max<std::int64_t>(f.matrix.stride, 1));
  };
  const float beta = add ? 1 : 0;
  check(cublasGemmEx(handle_.get(), operation(right), operation(left), as_int(n), as_int(m),
                     as_int(k), &scale, right.matrix.data.raw(), CUDA_R_32F, stride(right),
                     left.matrix.data.raw(), CUDA_R_32F, stride(left), &beta, out.data.raw(),
                     CUDA_R_32F, as_int(out.stride), compute_type(math_), CUBLAS_GEMM_DEFAULT));
}

}  // namespace hourglass::cuda
