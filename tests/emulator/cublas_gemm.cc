// cuBLAS's products over CBLAS, on one of the machine's cores. Its argument checks are modelled,
// and how its compute types round the operands. Not modelled: the order of its sums (they are
// OpenBLAS's, always the same for one shape on one machine), the ways that it chooses by workspace
// and alignment, and other types than float and, for operands, bfloat16.
#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "emulator/arena.h"
#include "emulator/cublas_handle.h"
#include "emulator/device.h"
#include "emulator/operand_rounding.h"
#include "emulator/report.h"
#include "emulator/runtime_call.h"
#include "emulator/sanitizers.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

enum class Rounding { kNone, kTf32, kBf16 };

/// A column-major matrix, as it lies in memory: element (i, j) at j * stride + i.
struct StoredMatrix {
  const void* data;
  cudaDataType type;
  int rows, columns, stride;

  std::size_t element_bytes() const { return type == CUDA_R_16BF ? 2 : 4; }
  const char* column(int j) const {
    return static_cast<const char*>(data) +
           static_cast<std::size_t>(j) * static_cast<std::size_t>(stride) * element_bytes();
  }
  std::size_t column_bytes() const { return static_cast<std::size_t>(rows) * element_bytes(); }
  bool empty() const { return rows == 0 || columns == 0; }
  /// Whether any byte is an element's of both. Columns that lie between another's are apart.
  bool overlaps(const StoredMatrix& other) const {
    if (empty() || other.empty()) return false;
    for (int i = 0, j = 0; i < columns && j < other.columns;) {
      if (column(i) + column_bytes() <= other.column(j)) {
        ++i;
      } else if (other.column(j) + other.column_bytes() <= column(i)) {
        ++j;
      } else {
        return true;
      }
    }
    return false;
  }

  void require_memory(const char* caller) const {
    if (empty()) return;
    const char* const end = column(columns - 1) + column_bytes();
    const auto bytes = static_cast<std::size_t>(end - static_cast<const char*>(data));
    device_arena().require_inside(data, bytes, caller);
  }
  // CBLAS is not instrumented: what it reads and writes is told here.
  void require_written(const char* caller) const {
    for (int j = 0; j < columns; ++j) {
      device_arena().require_initialised(column(j), column_bytes(), caller);
    }
  }
  void note_written() const {
    for (int j = 0; j < columns; ++j) mark_initialised(column(j), column_bytes());
  }
};

/// C = alpha op(A) op(B) + beta C.
struct Product {
  cublasOperation_t op_a, op_b;
  int m, n, k;
  StoredMatrix a, b, c;
  Rounding rounding;
  const float *device_alpha, *device_beta;  ///< null where the host's values count
  float alpha, beta;
  const void* workspace;
  std::size_t workspace_bytes;

  void run() const;
  std::uintptr_t kind() const;
};

float converted(const StoredMatrix& from, const char* column, int i, Rounding rounding) {
  if (from.type == CUDA_R_16BF) {
    const auto bits = reinterpret_cast<const std::uint16_t*>(column)[i];
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  const float x = reinterpret_cast<const float*>(column)[i];
  return rounding == Rounding::kTf32   ? rounded_to_tf32(x)
         : rounding == Rounding::kBf16 ? rounded_to_bf16(x)
                                       : x;
}

/// The operand as floats, as the device would multiply them: itself, or a copy.
class Operand {
 public:
  Operand(const StoredMatrix& from, Rounding rounding) : stride_(from.stride) {
    if (from.type == CUDA_R_32F && rounding == Rounding::kNone) {
      data_ = static_cast<const float*>(from.data);
      return;
    }
    stride_ = std::max(from.rows, 1);
    for (int j = 0; j < from.columns; ++j) {
      const char* const column = from.column(j);
      for (int i = 0; i < from.rows; ++i) copy_.push_back(converted(from, column, i, rounding));
    }
    data_ = copy_.data();
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  const float* data() const { return data_; }
  int stride() const { return stride_; }

 private:
  std::vector<float> copy_;
  const float* data_;
  int stride_;
};

void Product::run() const {
  constexpr const char* kCaller = "a product of cuBLAS";
  a.require_memory(kCaller);
  b.require_memory(kCaller);
  c.require_memory(kCaller);
  device_arena().require_inside(workspace, workspace_bytes, "cuBLAS's workspace");
  const float scale = device_alpha == nullptr ? alpha : *device_alpha;
  const float keep = device_beta == nullptr ? beta : *device_beta;
  a.require_written(kCaller);
  b.require_written(kCaller);
  if (keep != 0) c.require_written(kCaller);  // where it is zero, cuBLAS does not read C
  const Operand left(a, rounding), right(b, rounding);
  const auto transposition = [](cublasOperation_t op) {
    return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
  };
  auto* const out = static_cast<float*>(const_cast<void*>(c.data));
  cblas_sgemm(CblasColMajor, transposition(op_a), transposition(op_b), m, n, k, scale, left.data(),
              left.stride(), right.data(), right.stride(), keep, out, c.stride);
  c.note_written();
}

/// Differs where cuBLAS may take other kernels, or more of them, by what it is told: a graph may
/// not be updated from one to the other. It may by alignment as well, which is not here.
std::uintptr_t Product::kind() const {
  std::uintptr_t hash = 0;
  for (const int part :
       {m, n, k, a.stride, b.stride, c.stride, static_cast<int>(op_a), static_cast<int>(op_b),
        static_cast<int>(a.type), static_cast<int>(rounding)}) {
    hash = (hash ^ static_cast<std::uintptr_t>(part)) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
  }
  return hash;
}

/// Ends the program where the card could and this cannot.
Rounding rounding_of(cublasComputeType_t compute, cublasMath_t mode) {
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
      return mode == CUBLAS_TF32_TENSOR_OP_MATH ? Rounding::kTf32 : Rounding::kNone;
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return Rounding::kNone;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return Rounding::kTf32;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      return Rounding::kBf16;
    default:
      die("cublasGemmEx: compute type %d is not modelled", static_cast<int>(compute));
  }
}

cublasStatus_t submit_product(const char* name, cublasHandle_t handle, Product product,
                              const void* alpha, const void* beta, cublasComputeType_t compute) {
  const RuntimeCall call(name);
  const std::shared_ptr<CublasHandle> of = cublas_handle_of(handle, name);
  for (const StoredMatrix* matrix : {&product.a, &product.b, &product.c}) {
    if (matrix->rows < 0 || matrix->columns < 0 || matrix->stride < std::max(1, matrix->rows)) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  const auto valid = [](cublasOperation_t op) {
    return op == CUBLAS_OP_N || op == CUBLAS_OP_T || op == CUBLAS_OP_C;
  };
  if (!valid(product.op_a) || !valid(product.op_b) || alpha == nullptr || beta == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto modelled = [](cudaDataType type) { return type == CUDA_R_32F || type == CUDA_R_16BF; };
  if (product.a.type != product.b.type || !modelled(product.a.type) ||
      product.c.type != CUDA_R_32F) {
    die("%s: these types of matrices are not modelled", name);
  }
  if (product.m == 0 || product.n == 0) return CUBLAS_STATUS_SUCCESS;
  // cuBLAS does not look, and its blocks read what others have written.
  if (product.c.overlaps(product.a) || product.c.overlaps(product.b)) {
    die("%s: the product lies on one of its factors", name);
  }
  product.rounding = rounding_of(compute, of->math_mode);
  if (product.rounding != Rounding::kNone && !card().has_tf32()) {
    die("%s: TF32 or bfloat16 on %s, which has none", name, card().name);
  }
  product.workspace = of->workspace;
  product.workspace_bytes = of->workspace_bytes;
  const bool on_device = of->pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
  product.device_alpha = on_device ? static_cast<const float*>(alpha) : nullptr;
  product.device_beta = on_device ? static_cast<const float*>(beta) : nullptr;
  product.alpha = on_device ? 0 : *static_cast<const float*>(alpha);
  product.beta = on_device ? 0 : *static_cast<const float*>(beta);
  const cudaError_t status = submit(
      stream_of(of->stream, name), {[product] { product.run(); }, name, &Counters::library_launches,
                                    reinterpret_cast<const void*>(product.kind())});
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

Product product_of(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                   const void* a, cudaDataType a_type, int lda, const void* b, cudaDataType b_type,
                   int ldb, void* c, cudaDataType c_type, int ldc) {
  Product product = {};
  product.op_a = op_a;
  product.op_b = op_b;
  product.m = m;
  product.n = n;
  product.k = k;
  const bool a_as_it_lies = op_a == CUBLAS_OP_N, b_as_it_lies = op_b == CUBLAS_OP_N;
  product.a = {a, a_type, a_as_it_lies ? m : k, a_as_it_lies ? k : m, lda};
  product.b = {b, b_type, b_as_it_lies ? k : n, b_as_it_lies ? n : k, ldb};
  product.c = {c, c_type, m, n, ldc};
  return product;
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void* alpha, const void* a,
                            cudaDataType a_type, int lda, const void* b, cudaDataType b_type,
                            int ldb, const void* beta, void* c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t) {
  return submit_product(
      "cublasGemmEx", handle,
      product_of(op_a, op_b, m, n, k, a, a_type, lda, b, b_type, ldb, c, c_type, ldc), alpha, beta,
      compute);
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                              int m, int n, int k, const float* alpha, const float* a, int lda,
                              const float* b, int ldb, const float* beta, float* c, int ldc) {
  return submit_product(
      "cublasSgemm", handle,
      product_of(op_a, op_b, m, n, k, a, CUDA_R_32F, lda, b, CUDA_R_32F, ldb, c, CUDA_R_32F, ldc),
      alpha, beta, CUBLAS_COMPUTE_32F);
}

}  // extern "C"
