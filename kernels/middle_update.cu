// The middle's gradients and Adam (hourglass/ops/middle.h).
#include "kernels/adam.cuh"
#include "kernels/quads.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {
namespace {

// A block a tile of kTileIn x kTileOut weights; one grid has the tiles of all layers. A thread
// takes 4 x 4 weights and every kGroups-th row of the batch, by two 16-byte loads a row:
// kTileVectors threads, a group, have the whole tile. The groups' shares are added in order, an
// element a thread, which then makes Adam's step on it: its weight and moments were asked for at
// the start. At 128-64-64-64-128 that is some 200 blocks; a gradient never leaves its block. Error
// of the gradient: rounding of a chain of rows / kGroups fused products, and of the groups' sum.
// Bytes: 24 a weight; 4 rows (1 / kTileIn + 1 / kTileOut) a weight come from the L2 cache.
constexpr unsigned kTileIn = 8, kTileOut = 16;
constexpr unsigned kRowVectors = kTileOut / 4;
constexpr unsigned kTileThreads = kTileIn / 4 * kRowVectors;
constexpr unsigned kGroups = 16;
constexpr unsigned kThreads = kTileIn * kTileOut;
static_assert(kThreads == kTileThreads * kGroups);

constexpr unsigned tiles_across(const MiddleLayer& layer) { return blocks_of(layer.out, kTileOut); }
constexpr unsigned n_tiles(const MiddleLayer& layer) {
  return blocks_of(layer.in + 1, kTileIn) * tiles_across(layer);
}

__global__ void __launch_bounds__(kThreads, 6)
    middle_update(const __grid_constant__ MiddleUpdate op) {
  SHARED_ARRAY(float4, shares, [kGroups][kTileIn * kRowVectors]);
  const MiddleLayers& m = op.layers;
  std::size_t l = 0;
  unsigned tile = blockIdx.x;
  for (; tile >= n_tiles(m.layer[l]); ++l) tile -= n_tiles(m.layer[l]);
  const MiddleLayer& layer = m.layer[l];
  const Matrix<float>& input = l == 0 ? m.input : m.layer[l - 1].activation;
  const std::int64_t first_i = std::int64_t{tile / tiles_across(layer)} * kTileIn;
  const std::int64_t first_o = std::int64_t{tile % tiles_across(layer)} * kTileOut;

  const unsigned t = threadIdx.x;
  const std::int64_t i = first_i + t / kTileOut, o = first_o + t % kTileOut;
  const bool steps = i <= layer.in && o < layer.out;
  float w = 0, first_moment = 0, second_moment = 0;
  if (steps) {
    w = layer.rows.weight.row(i)[o];
    first_moment = layer.rows.first_moment.row(i)[o];
    second_moment = layer.rows.second_moment.row(i)[o];
  }

  const unsigned group = t / kTileThreads;
  const unsigned tile_row = t % kTileThreads / kRowVectors, vector = t % kRowVectors;
  float4 sums[4] = {};
#pragma unroll 4
  for (std::int64_t b = group; b < m.n_rows; b += kGroups) {
    const float4 x = load4(input.row(b) + first_i + 4 * tile_row);
    const float4 delta = load4(layer.delta.row(b) + first_o + 4 * vector);
    add_product(x.x, delta, sums[0]);
    add_product(x.y, delta, sums[1]);
    add_product(x.z, delta, sums[2]);
    add_product(x.w, delta, sums[3]);
  }
#pragma unroll
  for (unsigned k = 0; k < 4; ++k) {
    shares[group][(4 * tile_row + k) * kRowVectors + vector] = sums[k];
  }
  __syncthreads();
  if (!steps) return;
  const float gradient = add_shares(shares, kGroups, t);
  adam_step(op.adam, op.adam.at(op.step), gradient, w, first_moment, second_moment);
  layer.rows.weight.row(i)[o] = w;
  layer.rows.first_moment.row(i)[o] = first_moment;
  layer.rows.second_moment.row(i)[o] = second_moment;
}

}  // namespace

void launch_middle_update(const MiddleUpdate& op, cudaStream_t stream) {
  unsigned tiles = 0;
  for (int l = 0; l < op.layers.n_layers; ++l) {
    tiles += n_tiles(op.layers.layer[static_cast<std::size_t>(l)]);
  }
  launch(middle_update, {tiles, kThreads, 0, stream}, op);
}

}  // namespace hourglass::cuda
