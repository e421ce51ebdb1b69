// The output layer by direct products (hourglass/ops/output_direct.h); the products are cuBLAS's.
#include "kernels/adam_quad.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/loss_sum.h"
#include "kernels/quads.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 256;

// The errors, in place. A block a batch row: its threads take the ratings off the row, then pass
// over it by 16 bytes, squares and scaled errors in one go; a double a thread for the squares, the
// block's by a fixed tree. loss_sum.h adds the rows'. Error of an error: two roundings, of the
// difference and of its scaling. Bytes: 8 a cell, and 12 a rating, whose cells the second pass
// finds in the caches for the most part. A double product and sum a cell: at 128 x 53,424 cells, 55
// MB, they hide behind the memory even on a card of 1/64 double rate.
constexpr unsigned kRowThreads = 512;

__global__ void __launch_bounds__(kRowThreads) cell_errors(CellLoss op, float scale) {
  const CsrPtr& ratings = op.batch.ratings;
  const std::int64_t n = ratings.n_columns;
  float* errors = op.outputs.row(blockIdx.x);
  const std::int32_t row = op.batch.rows[blockIdx.x];
  const std::int64_t last = ratings.row_offsets[row + 1];
  for (std::int64_t e = ratings.row_offsets[row] + threadIdx.x; e < last; e += kRowThreads) {
    errors[ratings.columns[e]] -= ratings.values[e];
  }
  __syncthreads();
  double squares = 0;
  const auto take = [&](float& error) {
    squares += static_cast<double>(error) * error;
    error *= scale;
  };
#pragma unroll 4
  for (std::int64_t q = threadIdx.x; q < n / 4; q += kRowThreads) {
    float quad[4];
    load_quad(quad, errors + 4 * q);
#pragma unroll
    for (float& error : quad) take(error);
    store_quad(errors + 4 * q, quad);
  }
  if (threadIdx.x < n % 4) take(errors[n - n % 4 + threadIdx.x]);
  squares = block_sum<kRowThreads>(squares);
  if (threadIdx.x == 0) op.row_sums[blockIdx.x] = squares;
}

// Adam's step with the gradient that cuBLAS has left in op.scratch, rows padded. A thread four
// units of a row, the rows one after the other. Bytes: 28 a parameter, of which the gradient's 4
// may still be in L2; the gradient's way through memory costs 4 more.
__global__ void __launch_bounds__(kThreads)
    direct_adam(const __grid_constant__ OutputDirectUpdate op, unsigned quads_of_row) {
  const std::int64_t first = std::int64_t{blockIdx.x} * kThreads;
  const unsigned place = static_cast<unsigned>(first % quads_of_row) + threadIdx.x;
  const std::int64_t row = first / quads_of_row + place / quads_of_row;
  const int q = static_cast<int>(place % quads_of_row);
  if (row >= op.n_columns) return;
  AdamQuad parameters;
  parameters.load(op.rows, row, q);
  float gradient[4];
  load_quad(gradient, op.scratch.raw() + row * padded(op.rows.width) + 4 * q);
  parameters.step(op.adam, op.adam.at(op.step), 1, gradient);
  parameters.store(op.rows, row, q);
}

}  // namespace

void launch_cell_loss(const CellLoss& op, cudaStream_t stream) {
  const double cells =
      static_cast<double>(op.batch.n_rows) * static_cast<double>(op.batch.ratings.n_columns);
  launch(cell_errors, {static_cast<unsigned>(op.batch.n_rows), kRowThreads, 0, stream}, op,
         static_cast<float>(2 / cells));
  launch_loss_sum(op.row_sums, op.batch.n_rows, cells, op.loss, stream);
}

void launch_output_direct_update(const OutputDirectUpdate& op, Gemm& gemm, cudaStream_t stream) {
  const std::int64_t width = op.rows.width;
  gemm.run(op.n_columns, width, op.n_rows, 1, {op.errors, true}, {op.hidden}, false,
           {op.scratch, padded(width)});
  const std::int64_t quads_of_row = blocks_of(width, 4);
  launch(direct_adam, {blocks_of(op.n_columns * quads_of_row, kThreads), kThreads, 0, stream}, op,
         static_cast<unsigned>(quads_of_row));
}

}  // namespace hourglass::cuda
