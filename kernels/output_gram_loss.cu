// The loss over all cells and its gradient by h, from S and P (OutputGramLoss in
// hourglass/ops/output.h). Two launches.
//
// loss_parts has blocks of three kinds, none of which needs another's result:
//   - one a batch row: |x|^2 - 2 <p, h> of the row;
//   - tiles of 16 x 16 elements of G on and above the diagonal, and their share of <G, S>, of which
//     an element off the diagonal stands for two; at most `width` blocks, each with every so many
//     tiles;
//   - tiles of 16 rows x 16 units of the gradient.
// The tiles are small since the products are: their depth is the batch or the width, and what
// counts is that the whole card works on them. The depth passes through shared memory kSlice at a
// time, the next slice's loads under way; a warp has its 16th of a slice's depth for the whole
// tile, and the eight warps' sums are added in their order. sum_loss, one block, adds all the
// blocks' shares.
//
// Error: an element of G or of Ha S is the sum of eight chains of fmaf; the loss's products and
// sums are in double. Bytes: 4 (2 batch width + 2 width^2) and 4 a rating, most of it again for
// every tile, from L2. Multiply-adds: batch width^2 1.5; in double width^2 / 2 + batch width +
// ratings, spread over the card, since on some cards they take 64 times as long.
#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/loss_sum.h"
#include "kernels/quads.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kEdge = 16;  ///< of a tile
constexpr int kDepthOfWarp = 16;
constexpr int kSlice = kWarps * kDepthOfWarp;
constexpr int kStride = kEdge + 4;  ///< of a slice's rows [kEdge]
constexpr int kQuadsOfSlice = kSlice * kEdge / 4 / static_cast<int>(kThreads);  ///< of a thread

struct LossParts {
  OutputGramLoss op;
  float scale;  ///< 2 / (batch n_columns)
  std::int64_t n_gram_tiles, n_gram_blocks, n_unit_tiles;
};

/// kEdge columns of a matrix's rows, a factor of a tile: row k of it is step k of the depth.
struct ByRow {
  Matrix<const float> matrix;
  std::int64_t depth;  ///< its rows
  std::int64_t first_column;

  __device__ void load(float* quad, std::int64_t step, int i) const {
    const std::int64_t row = step + i / 4;
    if (row < depth) load_quad(quad, matrix.row(row) + first_column + i % 4 * 4);
  }
  static __device__ void store(float* slice, const float* quad, int i) {
    store_quad(slice + i / 4 * kStride + i % 4 * 4, quad);
  }
};

/// kEdge rows of a matrix: column k of it is step k of the depth.
struct ByColumn {
  Matrix<const float> matrix;
  std::int64_t n_rows;
  std::int64_t first_row;
  std::int64_t depth;  ///< its padded width

  __device__ void load(float* quad, std::int64_t step, int i) const {
    const std::int64_t row = first_row + i % kEdge, column = step + i / kEdge * 4;
    if (row < n_rows && column < depth) load_quad(quad, matrix.row(row) + column);
  }
  static __device__ void store(float* slice, const float* quad, int i) {
    for (int e = 0; e < 4; ++e) slice[(i / kEdge * 4 + e) * kStride + i % kEdge] = quad[e];
  }
};

/// A block's shared memory.
struct TileMemory {
  alignas(16) float left[kSlice * kStride];
  alignas(16) float right[kSlice * kStride];
  alignas(16) float sums[kWarps * kEdge * kEdge];
};

/// Element (thread / kEdge, thread % kEdge) of the product of two factors. All threads call.
template <class Left>
__device__ float tile_product(TileMemory& memory, const Left& left, const ByRow& right,
                              std::int64_t depth) {
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = thread / static_cast<int>(kWarp), lane = thread % static_cast<int>(kWarp);
  const int y = lane / 4 * 2, x = lane % 4 * 4;  // a lane's two rows and four columns

  float next_left[kQuadsOfSlice][4], next_right[kQuadsOfSlice][4];
  const auto fetch = [&](std::int64_t step) {
#pragma unroll
    for (int n = 0; n < kQuadsOfSlice; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) next_left[n][e] = next_right[n][e] = 0;
      left.load(next_left[n], step, n * static_cast<int>(kThreads) + thread);
      right.load(next_right[n], step, n * static_cast<int>(kThreads) + thread);
    }
  };
  float sum[2][4] = {};
  fetch(0);
  for (std::int64_t step = 0; step < depth; step += kSlice) {
#pragma unroll
    for (int n = 0; n < kQuadsOfSlice; ++n) {
      Left::store(memory.left, next_left[n], n * static_cast<int>(kThreads) + thread);
      ByRow::store(memory.right, next_right[n], n * static_cast<int>(kThreads) + thread);
    }
    __syncthreads();
    if (step + kSlice < depth) fetch(step + kSlice);
#pragma unroll
    for (int k = warp * kDepthOfWarp; k < (warp + 1) * kDepthOfWarp; ++k) {
      const float rows[2] = {memory.left[k * kStride + y], memory.left[k * kStride + y + 1]};
      float columns[4];
      load_quad(columns, memory.right + k * kStride + x);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
#pragma unroll
        for (int c = 0; c < 4; ++c) sum[r][c] = fmaf(rows[r], columns[c], sum[r][c]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int r = 0; r < 2; ++r) store_quad(memory.sums + (warp * kEdge + y + r) * kEdge + x, sum[r]);
  __syncthreads();
  float total = memory.sums[thread];
#pragma unroll
  for (int w = 1; w < kWarps; ++w) total += memory.sums[w * kEdge * kEdge + thread];
  return total;
}

__device__ void sum_row(const OutputGramLoss& op, std::int64_t b) {
  const float *product = op.product.row(b), *hidden = op.hidden.row(b);
  double sum = 0;
  for (std::int64_t c = threadIdx.x; c < op.width; c += kThreads) {
    sum -= 2.0 * product[c] * hidden[c];
  }
  const CsrPtr& ratings = op.batch.ratings;
  const std::int32_t row = op.batch.rows[b];
  const std::int64_t last = ratings.row_offsets[row + 1];
#pragma unroll 4
  for (std::int64_t e = ratings.row_offsets[row] + threadIdx.x; e < last; e += kThreads) {
    const double x = ratings.values[e];
    sum += x * x;
  }
  sum = block_sum<kThreads>(sum);
  if (threadIdx.x == 0) op.row_sums[b] = sum;
}

__device__ void gram_tiles(TileMemory& memory, const LossParts& parts, std::int64_t block) {
  const OutputGramLoss& op = parts.op;
  const std::int64_t n_runs = (op.width + kEdge - 1) / kEdge;
  double product_with_gram = 0;
  for (std::int64_t tile = block; tile < parts.n_gram_tiles; tile += parts.n_gram_blocks) {
    std::int64_t run = 0, place = tile;
    while (place >= n_runs - run) place -= n_runs - run++;
    const std::int64_t other = run + place;
    const float g = tile_product(memory, ByRow{op.hidden, op.batch.n_rows, run * kEdge},
                                 ByRow{op.hidden, op.batch.n_rows, other * kEdge}, op.batch.n_rows);
    const std::int64_t i = run * kEdge + threadIdx.x / kEdge;
    const std::int64_t k = other * kEdge + threadIdx.x % kEdge;
    if (i < op.width && k < op.width && i <= k) {
      op.hidden_gram.row(i)[k] = g;
      op.hidden_gram.row(k)[i] = g;
      product_with_gram += (i == k ? 1.0 : 2.0) * g * op.gram.row(i)[k];
    }
  }
  product_with_gram = block_sum<kThreads>(product_with_gram);
  if (threadIdx.x == 0) op.row_sums[op.batch.n_rows + block] = product_with_gram;
}

__device__ void gradient_tile(TileMemory& memory, const LossParts& parts, std::int64_t tile) {
  const OutputGramLoss& op = parts.op;
  const std::int64_t first_row = tile / parts.n_unit_tiles * kEdge;
  const std::int64_t first_unit = tile % parts.n_unit_tiles * kEdge;
  const float sum =
      tile_product(memory, ByColumn{op.hidden, op.batch.n_rows, first_row, padded(op.width)},
                   ByRow{op.gram, op.width, first_unit}, op.width);
  const std::int64_t b = first_row + threadIdx.x / kEdge;
  const std::int64_t c = first_unit + threadIdx.x % kEdge;
  if (b < op.batch.n_rows && c < op.width - 1) {
    op.grad_hidden.row(b)[c] = parts.scale * (sum - op.product.row(b)[c]);
  }
}

__global__ void __launch_bounds__(kThreads) loss_parts(LossParts parts) {
  SHARED_ARRAY(TileMemory, memory, [1]);
  std::int64_t block = blockIdx.x;
  if (block < parts.op.batch.n_rows) return sum_row(parts.op, block);
  block -= parts.op.batch.n_rows;
  if (block < parts.n_gram_blocks) return gram_tiles(memory[0], parts, block);
  gradient_tile(memory[0], parts, block - parts.n_gram_blocks);
}

}  // namespace

void launch_output_gram_loss(const OutputGramLoss& op, cudaStream_t stream) {
  const std::int64_t batch = op.batch.n_rows;
  const double cells = static_cast<double>(batch) * static_cast<double>(op.batch.ratings.n_columns);
  const std::int64_t n_runs = blocks_of(op.width, kEdge);
  const std::int64_t n_gram_tiles = n_runs * (n_runs + 1) / 2;
  const LossParts parts = {.op = op,
                           .scale = static_cast<float>(2 / cells),
                           .n_gram_tiles = n_gram_tiles,
                           .n_gram_blocks = std::min(n_gram_tiles, op.width),
                           .n_unit_tiles = blocks_of(op.width - 1, kEdge)};
  const std::int64_t n_blocks =
      batch + parts.n_gram_blocks + blocks_of(batch, kEdge) * parts.n_unit_tiles;
  launch(loss_parts, {static_cast<unsigned>(n_blocks), kThreads, 0, stream}, parts);
  launch_loss_sum(op.row_sums, batch + parts.n_gram_blocks, cells, op.loss, stream);
}

}  // namespace hourglass::cuda
