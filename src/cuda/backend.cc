#include "cuda/backend.h"

#include <algorithm>
#include <string>

#include "hourglass/core/error.h"
#include "kernels/kernels.h"

namespace hourglass::cuda {
namespace {

std::string describe() {
  cudaDeviceProp card = {};
  check(cudaGetDeviceProperties(&card, 0));
  return std::string(card.name) + ", sm_" + std::to_string(card.major) +
         std::to_string(card.minor) + ", " + std::to_string(card.totalGlobalMem >> 20) + " MiB";
}

/// Takes the first card; says in a phrase why there is none.
Stream open_stream() {
  int n_devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&n_devices);
  if (status == cudaErrorInsufficientDriver) {
    throw Error("there is no NVIDIA driver, or it is older than this module's CUDA");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && n_devices == 0)) {
    throw Error("the NVIDIA driver knows of no device");
  }
  check(status);
  check(cudaSetDevice(0));
  if (!kernels_run_here()) throw Error("this module has no kernels for the card, " + describe());
  return make_stream();
}

}  // namespace

CudaBackend::CudaBackend()
    : stream_(open_stream()),
      gemm_(stream_.get()),
      staging_(stream_.get()),
      graphs_(stream_.get()) {
  card_ = describe();
}

// Memory may still be on its way through staging_.
CudaBackend::~CudaBackend() { static_cast<void>(cudaStreamSynchronize(stream_.get())); }

std::string CudaBackend::description() const {
  const Math math = gemm_.math();
  return card_ + (math == Math::kFp32 ? ", fp32" : math == Math::kTf32 ? ", tf32" : ", bf16");
}

void* CudaBackend::allocate(std::size_t bytes) {
  void* memory = nullptr;
  const std::size_t at_least_one = bytes > 0 ? bytes : 1;
  const cudaError_t status = cudaMalloc(&memory, at_least_one);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total));
    throw Error("the GPU's memory does not suffice: " + std::to_string(bytes >> 20) +
                " MiB more are needed and " + std::to_string(free >> 20) + " of " +
                std::to_string(total >> 20) + " MiB are free; choose --device cpu");
  }
  check(status);
  check(cudaMemsetAsync(memory, 0, at_least_one, stream_.get()));
  return memory;
}

void CudaBackend::deallocate(void* memory, std::size_t) noexcept {
  static_cast<void>(cudaFree(memory));  // waits for the device
}

void CudaBackend::copy_in(void* to, const void* from_host, std::size_t bytes) {
  staging_.copy_in(to, from_host, bytes);
}

void CudaBackend::copy_out(void* to_host, const void* from, std::size_t bytes) {
  staging_.copy_out(to_host, from, bytes);
}

std::optional<std::size_t> CudaBackend::free_memory() const {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  // CUDA takes some when a kernel first runs and for graphs, and rounds every array up.
  return free - std::min(free / 8, std::size_t{256} << 20);
}

bool CudaBackend::set_math(Math math) {
  int major = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  if (math != Math::kFp32 && major < 8) return false;  // tensor cores, but of fp16 alone
  gemm_.set_math(math);
  return true;
}

void CudaBackend::synchronize() { check(cudaStreamSynchronize(stream_.get())); }

void CudaBackend::run(const TransposeBatches& op) { launch_transpose_batches(op, stream_.get()); }
void CudaBackend::run(const DropoutInput& op) { launch_dropout_input(op, stream_.get()); }
void CudaBackend::run(const CatchUpRows& op) { launch_catch_up_rows(op, stream_.get()); }
void CudaBackend::run(const GatherRows& op) { launch_gather_rows(op, stream_.get()); }
void CudaBackend::run(const SparseAdam& op) { launch_sparse_adam(op, stream_.get()); }
void CudaBackend::run(const MiddleForward& op) { launch_middle_forward(op, gemm_, stream_.get()); }
void CudaBackend::run(const MiddleBackward& op) {
  launch_middle_backward(op, gemm_, stream_.get());
}
void CudaBackend::run(const MiddleUpdate& op) { launch_middle_update(op, stream_.get()); }
void CudaBackend::run(const SparsityPenalty& op) { launch_sparsity_penalty(op, stream_.get()); }
void CudaBackend::run(const OutputGram& op) { launch_output_gram(op, stream_.get()); }
void CudaBackend::run(const OutputGramLoss& op) { launch_output_gram_loss(op, stream_.get()); }
void CudaBackend::run(const OutputGramUpdate& op) {
  launch_output_gram_update(op, gemm_, stream_.get());
}
void CudaBackend::run(const RatedLoss& op) { launch_rated_loss(op, stream_.get()); }

void CudaBackend::run(const OutputForward& op) {
  gemm_.run(op.n_rows, op.n_columns, op.width, 1, {op.hidden}, {op.weight, true}, false, op.out);
}

void CudaBackend::run(const CellLoss& op) { launch_cell_loss(op, stream_.get()); }

void CudaBackend::run(const OutputBackward& op) {
  gemm_.run(op.n_rows, op.width - 1, op.n_columns, 1, {op.errors}, {op.weight}, false,
            op.grad_hidden);
}

void CudaBackend::run(const OutputDirectUpdate& op) {
  launch_output_direct_update(op, gemm_, stream_.get());
}

void CudaBackend::run(const SelectTop& op) { launch_select_top(op, stream_.get()); }
void CudaBackend::run(const ScoreSums& op) { launch_score_sums(op, stream_.get()); }
void CudaBackend::run(const PickCells& op) { launch_pick_cells(op, stream_.get()); }

}  // namespace hourglass::cuda
