// The wide layers, one row of weights a column id (hourglass/ops/wide.h).
#include "hourglass/core/error.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {
namespace {

// Gather. A block a batch row and kUnits units of it; a thread takes one unit, so that a rating's
// row of weights is read coalesced. Sums run in column order, fused. Error: rounding of one chain
// of n + 1 products. Bytes: 4 (ratings x (width + 2) + batch x width), nearly all of them the
// weights' rows.
constexpr unsigned kUnits = 128;

__global__ void __launch_bounds__(kUnits) gather_rows(GatherRows op) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.y) * kUnits + threadIdx.x;
  const std::int64_t b = blockIdx.x;
  const CsrPtr& ratings = op.batch.ratings;
  const std::int32_t row = op.batch.rows[b];
  const std::int64_t first = ratings.row_offsets[row], last = ratings.row_offsets[row + 1];
  const float* values =
      op.values ? (op.values + op.row_begin[b]).raw() - first : ratings.values.raw();
  if (c < op.width) {
    float sum = 0;
    for (std::int64_t e = first; e < last; ++e) {
      sum = fmaf(values[e], op.weight.row(ratings.columns[e])[c], sum);
    }
    if (op.bias_row >= 0) sum += op.weight.row(op.bias_row)[c];
    op.out.row(b)[c] = op.relu ? relu(sum) : sum;
  } else if (c == op.width && op.append_one) {
    op.out.row(b)[c] = 1;
  }
}

}  // namespace

void launch_catch_up_rows(const CatchUpRows&, cudaStream_t) { throw Error("to be written"); }
void launch_sparse_adam(const SparseAdam&, cudaStream_t) { throw Error("to be written"); }

void launch_gather_rows(const GatherRows& op, cudaStream_t stream) {
  const std::int64_t width = op.width + (op.append_one ? 1 : 0);
  launch(
      gather_rows,
      {dim3(static_cast<unsigned>(op.batch.n_rows), blocks_of(width, kUnits)), kUnits, 0, stream},
      op);
}

}  // namespace hourglass::cuda
