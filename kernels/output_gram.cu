// S = Wa^T Wa (OutputGram in hourglass/ops/output.h), and the sum of the partials for it and for
// OutputGramUpdate.
//
// A block a segment of FineGramSegments. Rows of Wa pass through shared memory kTile at a time, and
// every thread adds their outer products to its elements of the partial (gram_partial.cuh). The sum
// of the partials: a warp takes 32 quads of one row of S and a sixteenth of the segments, which it
// adds in their order; the block adds the sixteenths in theirs, and writes both triangles.
//
// Error of an element: that of one chain of n_columns / n_segments products and of 16 + n_segments
// / 16 additions. Bytes: 4 n_columns width read; 2 width^2 a segment written and read again, in L2.
// Multiply-adds: n_columns width^2 / 2. Wide rows: output_gram_wide.cu.
#include "kernels/output_gram.h"

#include "kernels/gram_partial.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/units.cuh"

namespace hourglass::cuda {
namespace {

constexpr int kTile = 64;

template <int kQuads>
__global__ void __launch_bounds__(kGramThreads, 2) add_outer_products(OutputGram op) {
  DYN_SHARED(float, rows);
  const Units units(op.width);
  const FineGramSegments segments(op.n_columns, op.width);
  const std::int64_t end = segments.end(blockIdx.x);
  GramPartial<kQuads> partial;
  for (std::int64_t tile = segments.begin(blockIdx.x); tile < end; tile += kTile) {
    const int n = static_cast<int>(end - tile < kTile ? end - tile : kTile);
    // The pad quad holds the lone unit, or nothing that is ever used.
    for (int r = static_cast<int>(threadIdx.x / kWarp); r < n; r += kGramThreads / kWarp) {
      const float* from = op.weight.row(tile + r);
      for (int q = static_cast<int>(threadIdx.x % kWarp); q <= units.quads; q += kWarp) {
        float quad[4] = {};
        if (q < units.quads || units.lone) load_quad(quad, from + 4 * q);
        store_quad(rows + r * units.stride() + 4 * q, quad);
      }
    }
    __syncthreads();
    partial.add(units, rows, n);
    __syncthreads();
  }
  partial.store(units, partial_of(op.scratch, op.width, blockIdx.x));
}

constexpr unsigned kGroups = 16;

/// Row i of S, for the row's quads that hold what the partials hold.
__global__ void __launch_bounds__(kWarp* kGroups)
    sum_partials(Matrix<float> gram, Ptr<const float> scratch, std::int64_t n_segments, int width,
                 int quads, bool lone) {
  SHARED_ARRAY(float4, sums, [kGroups][kWarp]);
  const int i = static_cast<int>(blockIdx.y);
  const bool lone_row = lone && i == width - 1;
  const int first = lone_row ? 0 : i / 4, last = lone_row ? quads : quads - 1;
  const int of_block = static_cast<int>(blockIdx.x * kWarp);
  if (last < of_block || first >= of_block + static_cast<int>(kWarp)) return;

  const int q = of_block + static_cast<int>(threadIdx.x);
  const bool valid = first <= q && q <= last;
  const std::int64_t group = threadIdx.y;
  float sum[4] = {};
  if (valid) {
    const std::int64_t size = width * padded(width);
    const float* from = scratch.raw() + i * padded(width) + 4 * q;
    const std::int64_t end = n_segments * (group + 1) / kGroups;
#pragma unroll 8
    for (std::int64_t s = n_segments * group / kGroups; s < end; ++s) {
      float quad[4];
      load_quad(quad, from + s * size);
#pragma unroll
      for (int e = 0; e < 4; ++e) sum[e] += quad[e];
    }
  }
  store_quad(reinterpret_cast<float*>(&sums[group][threadIdx.x]), sum);
  __syncthreads();
  if (group > 0 || !valid) return;
  for (unsigned g = 1; g < kGroups; ++g) {
    float quad[4];
    load_quad(quad, reinterpret_cast<const float*>(&sums[g][threadIdx.x]));
#pragma unroll
    for (int e = 0; e < 4; ++e) sum[e] += quad[e];
  }
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    const int k = 4 * q + e;
    if (k >= width || (!lone_row && k < i)) continue;
    gram.row(i)[k] = sum[e];
    gram.row(k)[i] = sum[e];
  }
}

}  // namespace

void launch_gram_sum(Matrix<float> gram, Ptr<const float> scratch, std::int64_t n_columns,
                     std::int64_t width, cudaStream_t stream) {
  const Units units(width);
  // The wide kernels know no lone unit: it is in one more quad.
  const bool lone = units.lone && width <= kMaxNarrowWidth;
  const int quads = lone ? units.quads : static_cast<int>((width + 3) / 4);
  const dim3 grid(blocks_of(quads + (lone ? 1 : 0), kWarp), static_cast<unsigned>(width));
  launch(sum_partials, {grid, dim3(kWarp, kGroups), 0, stream}, gram, scratch,
         FineGramSegments(n_columns, width).count, units.width, quads, lone);
}

void launch_output_gram(const OutputGram& op, cudaStream_t stream) {
  const Units units(op.width);
  if (op.width > kMaxNarrowWidth) {
    launch_wide_gram_partials(op, stream);
  } else {
    const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(kTile * units.stride());
    launch(units.quads > 16 ? add_outer_products<2> : add_outer_products<1>,
           {static_cast<unsigned>(FineGramSegments(op.n_columns, op.width).count), kGramThreads,
            bytes, stream},
           op);
  }
  launch_gram_sum(op.gram, op.scratch, op.n_columns, op.width, stream);
}

}  // namespace hourglass::cuda
