#pragma once

#include <cuda_runtime_api.h>

#include "cuda/gemm.h"
#include "hourglass/ops/backend.h"

// The launchers, one an operation: each enqueues its kernels on the stream, and neither waits nor
// allocates. A family a .cu file, of the same order. Where a Gemm is given it is on that stream.
namespace hourglass::cuda {

/// Whether this build has kernels for the current card. loss_sum.cu.
bool kernels_run_here();

// transpose.cu
void launch_transpose_batches(const TransposeBatches& op, cudaStream_t stream);
// dropout.cu
void launch_dropout_input(const DropoutInput& op, cudaStream_t stream);
// wide.cu
void launch_catch_up_rows(const CatchUpRows& op, cudaStream_t stream);
void launch_gather_rows(const GatherRows& op, cudaStream_t stream);
void launch_sparse_adam(const SparseAdam& op, cudaStream_t stream);
// middle.cu
void launch_middle_forward(const MiddleForward& op, Gemm& gemm, cudaStream_t stream);
void launch_middle_backward(const MiddleBackward& op, Gemm& gemm, cudaStream_t stream);
void launch_middle_update(const MiddleUpdate& op, cudaStream_t stream);
// sparsity.cu
void launch_sparsity_penalty(const SparsityPenalty& op, cudaStream_t stream);
// output_gram.cu
void launch_output_gram(const OutputGram& op, cudaStream_t stream);
void launch_output_gram_loss(const OutputGramLoss& op, cudaStream_t stream);
void launch_output_gram_update(const OutputGramUpdate& op, Gemm& gemm, cudaStream_t stream);
// output_direct.cu
void launch_cell_loss(const CellLoss& op, cudaStream_t stream);
void launch_output_direct_update(const OutputDirectUpdate& op, Gemm& gemm, cudaStream_t stream);
// output_rated.cu
void launch_rated_loss(const RatedLoss& op, cudaStream_t stream);
// ranking.cu
void launch_select_top(const SelectTop& op, cudaStream_t stream);
void launch_score_sums(const ScoreSums& op, cudaStream_t stream);
void launch_pick_cells(const PickCells& op, cudaStream_t stream);

}  // namespace hourglass::cuda
