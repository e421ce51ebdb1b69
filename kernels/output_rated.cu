// The loss over the rated cells (RatedLoss in hourglass/ops/output.h). Three launches.
//
// 1. A warp a piece of kRatedPiece ratings in batch order: whose rows they are is found in
//    row_begin, so that a row of ten thousand ratings is the work of many warps. For each of a
//    row's ratings in the piece: the row of Wa with 16-byte loads, kAtOnce of them in flight; the
//    product with Ha[b], which is in registers, a lane's quads in one chain and the lanes in a
//    fixed tree; the error; and, the row of Wa being in registers still, its share of the gradient,
//    in the order of the ratings. The piece's share of the row's gradient goes to the scratch. Rows
//    of Wa that one lane cannot hold two quads of (width above 257) are read once for the error and
//    again, from the caches, for the gradient.
// 2. A block a row: a warp adds every eighth of the row's shares in their order, the block the
// warps'
//    sums in theirs; and the squares of the row's errors, in double.
// 3. The loss: loss_sum.h.
//
// Error: of e, rounding of a chain of width / 32 products and of 5 additions; of a gradient, of at
// most kRatedPiece products in a chain, of ratings of the row / kRatedPiece / 8 additions and of 8.
// Bytes: 4 width + 16 a rating (width above 257: 8 width), 4 width a share written and read again.
// Multiply-adds: 2 width a rating, and one in double.
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/loss_sum.h"
#include "kernels/quads.cuh"
#include "kernels/units.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 128;
constexpr unsigned kWarps = kThreads / kWarp;
constexpr int kAtOnce = 4;

/// The ratings of one row that are in one piece, by their places in batch order.
struct Share {
  std::int64_t row;
  std::int64_t first, end;
  std::int64_t before;  ///< from a place to its entry in the ratings
  float* gradient;      ///< out [width], without the factor 2 / n
};

__device__ std::int64_t row_of_place(const RatedLoss& op, std::int64_t place) {
  std::int64_t row = 0, beyond = op.batch.n_rows;
  while (beyond - row > 1) {
    const std::int64_t middle = row + (beyond - row) / 2;
    if (op.row_begin[middle] <= place) {
      row = middle;
    } else {
      beyond = middle;
    }
  }
  return row;
}

/// visit(share) for all shares of the warp's piece, in their order.
template <class Visit>
__device__ void for_each_share(const RatedLoss& op, const Visit& visit) {
  const std::int64_t piece = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  std::int64_t place = piece * kRatedPiece;
  const std::int64_t end = place + kRatedPiece < op.n_ratings ? place + kRatedPiece : op.n_ratings;
  if (place >= end) return;
  for (std::int64_t row = row_of_place(op, place); place < end; ++row) {
    const std::int64_t row_end = op.row_begin[row + 1];
    if (row_end <= place) continue;
    const std::int64_t share_end = row_end < end ? row_end : end;
    visit(Share{row, place, share_end,
                op.batch.ratings.row_offsets[op.batch.rows[row]] - op.row_begin[row],
                (op.scratch + (piece + row) * padded(op.width)).raw()});
    place = share_end;
  }
}

template <int kQuads>
__global__ void __launch_bounds__(kThreads) rate_pieces(RatedLoss op) {
  const Units units(op.width);
  const CsrPtr& ratings = op.batch.ratings;
  const int lane = static_cast<int>(threadIdx.x % kWarp), lone = units.width - 1;
  const auto quad = [&](int i) { return lane + static_cast<int>(kWarp) * i; };
  for_each_share(op, [&](const Share& share) {
    const float* const of_hidden = op.hidden.row(share.row);
    float hidden[4 * kQuads] = {}, gradient[4 * kQuads] = {};
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      if (quad(i) < units.quads) load_quad(hidden + 4 * i, of_hidden + 4 * quad(i));
    }
    const float of_lone = units.lone && lane == 0 ? of_hidden[lone] : 0;
    for (std::int64_t first = share.first; first < share.end; first += kAtOnce) {
      float weight[kAtOnce][4 * kQuads] = {}, error[kAtOnce], lone_weight[kAtOnce] = {};
      float rating[kAtOnce] = {};
#pragma unroll
      for (int u = 0; u < kAtOnce; ++u) {
        if (first + u >= share.end) continue;
        const std::int64_t entry = share.before + first + u;
        const float* const row = op.weight.row(ratings.columns[entry]);
        rating[u] = ratings.values[entry];
#pragma unroll
        for (int i = 0; i < kQuads; ++i) {
          if (quad(i) < units.quads) load_quad(weight[u] + 4 * i, row + 4 * quad(i));
        }
        if (units.lone && lane == 0) lone_weight[u] = row[lone];
      }
#pragma unroll
      for (int u = 0; u < kAtOnce; ++u) {
        float dot = of_lone * lone_weight[u];
#pragma unroll
        for (int c = 0; c < 4 * kQuads; ++c) dot = fmaf(hidden[c], weight[u][c], dot);
        error[u] = warp_sum(dot) - rating[u];
      }
#pragma unroll
      for (int u = 0; u < kAtOnce; ++u) {
        if (first + u >= share.end) continue;
        if (lane == u) op.errors[first + u] = error[u];
#pragma unroll
        for (int c = 0; c < 4 * kQuads; ++c)
          gradient[c] = fmaf(error[u], weight[u][c], gradient[c]);
      }
    }
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      if (quad(i) < units.quads) store_quad(share.gradient + 4 * quad(i), gradient + 4 * i);
    }
  });
}

__global__ void __launch_bounds__(kThreads) rate_wide_pieces(RatedLoss op) {
  const CsrPtr& ratings = op.batch.ratings;
  const int quads = static_cast<int>((op.width + 3) / 4);
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  for_each_share(op, [&](const Share& share) {
    for (std::int64_t place = share.first; place < share.end; ++place) {
      const std::int64_t entry = share.before + place;
      const float* const row = op.weight.row(ratings.columns[entry]);
      float dot = 0;
#pragma unroll 4
      for (int q = lane; q < quads; q += kWarp) {
        float hidden[4], weight[4];
        load_quad(hidden, op.hidden.row(share.row) + 4 * q);
        load_quad(weight, row + 4 * q);
#pragma unroll
        for (int c = 0; c < 4; ++c) dot = fmaf(hidden[c], weight[c], dot);
      }
      dot = warp_sum(dot);
      if (lane == 0) op.errors[place] = dot - ratings.values[entry];
    }
    warp_barrier();
    for (int q = lane; q < quads; q += kWarp) {
      float gradient[4] = {};
#pragma unroll 4
      for (std::int64_t place = share.first; place < share.end; ++place) {
        const float error = op.errors[place];
        float weight[4];
        load_quad(weight, op.weight.row(ratings.columns[share.before + place]) + 4 * q);
#pragma unroll
        for (int c = 0; c < 4; ++c) gradient[c] = fmaf(error, weight[c], gradient[c]);
      }
      store_quad(share.gradient + 4 * q, gradient);
    }
  });
}

constexpr unsigned kSumWarps = 8;

__global__ void __launch_bounds__(kWarp* kSumWarps) sum_rows(RatedLoss op, float scale) {
  SHARED_ARRAY(float4, of_warps, [kSumWarps][kWarp]);
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const int warp = static_cast<int>(threadIdx.x / kWarp);
  const std::int64_t row = blockIdx.x;
  const std::int64_t begin = op.row_begin[row], end = op.row_begin[row + 1];
  // What shares there are, as pieces; none where there is no rating.
  const std::int64_t first = begin / kRatedPiece;
  const std::int64_t beyond = begin < end ? (end - 1) / kRatedPiece + 1 : first;
  const std::int64_t stride = padded(op.width);
  const int quads = static_cast<int>((op.width - 1 + 3) / 4);

  for (int chunk = 0; chunk < quads; chunk += kWarp) {
    const int q = chunk + lane;
    float sum[4] = {};
    if (q < quads) {
#pragma unroll 8
      for (std::int64_t piece = first + warp; piece < beyond; piece += kSumWarps) {
        float share[4];
        load_quad(share, (op.scratch + ((piece + row) * stride + 4 * q)).raw());
#pragma unroll
        for (int c = 0; c < 4; ++c) sum[c] += share[c];
      }
    }
    store_quad(reinterpret_cast<float*>(&of_warps[warp][lane]), sum);
    __syncthreads();
    if (warp == 0 && q < quads) {
      for (unsigned w = 1; w < kSumWarps; ++w) {
        float share[4];
        load_quad(share, reinterpret_cast<const float*>(&of_warps[w][lane]));
#pragma unroll
        for (int c = 0; c < 4; ++c) sum[c] += share[c];
      }
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        if (4 * q + c < op.width - 1) op.grad_hidden.row(row)[4 * q + c] = scale * sum[c];
      }
    }
    __syncthreads();
  }

  double squares = 0;
#pragma unroll 8
  for (std::int64_t e = begin + threadIdx.x; e < end; e += kWarp * kSumWarps) {
    const double error = op.errors[e];
    squares += error * error;
  }
  squares = block_sum<kWarp * kSumWarps>(squares);
  if (threadIdx.x == 0) op.row_sums[row] = squares;
}

}  // namespace

void launch_rated_loss(const RatedLoss& op, cudaStream_t stream) {
  const int quads = Units(op.width).quads;
  const unsigned n_pieces = blocks_of(op.n_ratings, kRatedPiece);
  const auto kernel = quads <= 32   ? rate_pieces<1>
                      : quads <= 64 ? rate_pieces<2>
                                    : rate_wide_pieces;
  launch(kernel, {blocks_of(n_pieces, kWarps), kThreads, 0, stream}, op);
  launch(sum_rows, {static_cast<unsigned>(op.batch.n_rows), kWarp * kSumWarps, 0, stream}, op,
         static_cast<float>(2.0 / static_cast<double>(op.n_ratings)));
  launch_loss_sum(op.row_sums, op.batch.n_rows, static_cast<double>(op.n_ratings), op.loss, stream);
}

}  // namespace hourglass::cuda
