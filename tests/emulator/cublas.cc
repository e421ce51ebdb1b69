// cuBLAS subset over CBLAS. Real cublas_v2.h / cublasLt.h for the declarations.
#include "emulator/emulator.h"
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cblas.h>
#include <vector>
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define MSAN_IN(p, n) __msan_check_mem_is_initialized(p, n)
#define MSAN_OUT(p, n) __msan_unpoison(p, n)
#endif
#endif
#ifndef MSAN_IN
#define MSAN_IN(p, n) (void)0
#define MSAN_OUT(p, n) (void)0
#endif
struct H { cudaStream_t s = nullptr; cublasPointerMode_t pm = CUBLAS_POINTER_MODE_HOST; };
#define HN ((H*)h)
static CBLAS_TRANSPOSE T(cublasOperation_t t) { return t == CUBLAS_OP_N ? CblasNoTrans : CblasTrans; }
static size_t esz(cudaDataType t) { return t == CUDA_R_32F ? 4 : t == CUDA_R_16F || t == CUDA_R_16BF ? 2 : 0; }
static std::vector<float> load(const void* p, cudaDataType t, int rows, int cols, int ld) {
  std::vector<float> v((size_t)rows * cols);
  for (int j = 0; j < cols; j++) for (int i = 0; i < rows; i++) { size_t k = (size_t)j * ld + i; v[(size_t)j * rows + i] = t == CUDA_R_32F ? ((const float*)p)[k] : t == CUDA_R_16F ? __half2float(((const __half*)p)[k]) : __bfloat162float(((const __nv_bfloat16*)p)[k]); }
  return v;
}
static void touch(const void* p, size_t e, int rows, int cols, int ld, bool write) {  // OpenBLAS is not instrumented: touch the corners so that ASan sees a short buffer
  if (!rows || !cols) return; volatile const char* c = (volatile const char*)p; (void)c[0]; (void)c[(((size_t)cols - 1) * ld + rows) * e - 1];
  for (int j = 0; j < cols; j++) { if (write) MSAN_OUT((const char*)p + (size_t)j * ld * e, rows * e); else MSAN_IN((const char*)p + (size_t)j * ld * e, rows * e); }
}
extern "C" {
const char* cublasGetStatusString(cublasStatus_t) { return "a cuBLAS call failed"; }
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void*, size_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasCreate_v2(cublasHandle_t* h) { openblas_set_num_threads(1); *h = (cublasHandle_t) new H; return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasDestroy_v2(cublasHandle_t h) { delete HN; return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t s) { HN->s = s; return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t h, cublasPointerMode_t m) { HN->pm = m; return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const void* al, const void* A, cudaDataType at, int lda, const void* B, cudaDataType bt, int ldb, const void* be, void* C, cudaDataType ct, int ldc, cublasComputeType_t, cublasGemmAlgo_t) {
  int ar = ta == CUBLAS_OP_N ? m : k, ac = ta == CUBLAS_OP_N ? k : m, br = tb == CUBLAS_OP_N ? k : n, bc = tb == CUBLAS_OP_N ? n : k;
  if (m < 0 || n < 0 || k < 0 || lda < ar || ldb < br || ldc < m || lda < 1 || ldb < 1 || ldc < 1 || at != bt || !esz(at) || !esz(ct)) return CUBLAS_STATUS_INVALID_VALUE;
  bool dev = HN->pm == CUBLAS_POINTER_MODE_DEVICE; float ah = dev ? 0 : *(const float*)al, bh = dev ? 0 : *(const float*)be;
  emulator::enqueue(HN->s, [=] {
    float a = dev ? *(const float*)al : ah, b = dev ? *(const float*)be : bh;
    touch(A, esz(at), ar, ac, lda, false); touch(B, esz(bt), br, bc, ldb, false); if (b != 0) touch(C, esz(ct), m, n, ldc, false);
    auto fa = load(A, at, ar, ac, lda), fb = load(B, bt, br, bc, ldb); std::vector<float> fc = b != 0 ? load(C, ct, m, n, ldc) : std::vector<float>((size_t)m * n, 0.f);
    cblas_sgemm(CblasColMajor, T(ta), T(tb), m, n, k, a, fa.data(), ar, fb.data(), br, b, fc.data(), m); MSAN_OUT(fc.data(), fc.size() * 4);
    for (int j = 0; j < n; j++) for (int i = 0; i < m; i++) { float v = fc[(size_t)j * m + i]; size_t q = (size_t)j * ldc + i; if (ct == CUDA_R_32F) ((float*)C)[q] = v; else if (ct == CUDA_R_16F) ((__half*)C)[q] = __float2half(v); else ((__nv_bfloat16*)C)[q] = __float2bfloat16(v); }
  }, "gemm");
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const float* al, const float* A, int lda, const float* B, int ldb, const float* be, float* C, int ldc) {
  return cublasGemmEx(h, ta, tb, m, n, k, al, A, CUDA_R_32F, lda, B, CUDA_R_32F, ldb, be, C, CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}
cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const float* al, const float* A, int lda, long long sa, const float* B, int ldb, long long sb, const float* be, float* C, int ldc, long long sc, int batch) {
  for (int i = 0; i < batch; i++) if (auto s = cublasSgemm_v2(h, ta, tb, m, n, k, al, A + i * sa, lda, B + i * sb, ldb, be, C + i * sc, ldc)) return s;
  return CUBLAS_STATUS_SUCCESS;
}
}
