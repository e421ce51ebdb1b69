// The one pass over the output layer (OutputGramUpdate in hourglass/ops/output.h, DESIGN 3.2), for
// widths up to kMaxNarrowWidth: read w, m and v, step, write them, and add the new rows to S.
//
// A block of four warps a segment of FineGramSegments, tile by tile of 8 kRows columns, each of
// whose rows belongs to one warp from its load to its last store:
//   1. the warp's rows of Wa come into shared memory;
//   2. gradient = Wa G: half a warp takes every second of the rows, a lane kRows of them and kQuads
//      quads of units (tile_product.cuh). G is in shared memory, whole or, where that leaves no
//      room for two blocks on a multiprocessor, in slices that all warps wait for;
//   3. the gradients go back into shared memory, and then row by row, in a loop: a column's ratings
//      are subtracted (the rows of Ha from L1 and L2), Adam's step with 16-byte accesses, the new
//      row into shared memory;
//   4. all warps meet, and every thread adds the tile's outer products to its elements of the
//      segment's partial, which stay in registers until the segment's end (gram_partial.cuh).
// Between two such meetings warps run apart, so that one's memory hides behind another's sums; what
// they will read next is on its way to L2 by then.
//
// Where G's last unit is a lone one, its row is in shared memory apart, once: it is the last of the
// sum over k, and, G being symmetric, the factor of the gradient's last unit, which a lane has for
// one of its rows.
//
// Every element's sum is one chain of fmaf: over k, then over the column's ratings in row order; in
// S over the segment's columns. Neither tiles nor slices show in the bits. Error of a gradient:
// rounding of a chain of width + ratings products.
// Bytes: 24 a parameter; G a block, or a tile where it is in slices, and 4 width a rating, from L2;
// the partials. Multiply-adds: 1.5 n_columns width^2, at width 129 as long as the bytes take.
#include <algorithm>

#include "kernels/adam_quad.cuh"
#include "kernels/column_ratings.cuh"
#include "kernels/gram_partial.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/output_gram.h"
#include "kernels/tile_product.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kWarps = kGramThreads / kWarp;
constexpr int kHalf = 16;  ///< lanes

struct NarrowUpdate {
  OutputGramUpdate op;
  float scale;  ///< 2 / (batch n_columns)
  int slice;    ///< rows of G in shared memory at a time, a multiple of four
};

/// Floats of a block's shared memory: a tile's rows, G's last row, a slice of G.
constexpr std::int64_t shared_floats(const Units& units, int tile, int slice) {
  return (tile + 1) * units.stride() + slice * 4 * units.quads;
}

/// Rows first .. first + n of G, without the lone unit; zeros beyond the last.
__device__ void load_hidden_gram(float* to, const Matrix<const float>& gram, const Units& units,
                                 int first, int n) {
  const int q = static_cast<int>(threadIdx.x % kWarp);
  if (q >= units.quads) return;
#pragma unroll 8
  for (int k = static_cast<int>(threadIdx.x / kWarp); k < n; k += kWarps) {
    float quad[4] = {};
    if (first + k < units.width) load_quad(quad, gram.row(first + k) + 4 * q);
    store_quad(to + (k * units.quads + q) * 4, quad);
  }
}

/// The warp's kN rows of Wa, from column j on, of which n are the segment's; zeros for the others.
template <int kN>
__device__ void load_rows(float* to, const Matrix<float>& weight, const Units& units,
                          std::int64_t j, int n) {
  constexpr int kAtOnce = kN < 8 ? kN : 8;
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  for (int first = 0; first < kN; first += kAtOnce) {
    float quad[kAtOnce][4] = {};
#pragma unroll
    for (int r = 0; r < kAtOnce; ++r) {
      if (lane < units.quads && first + r < n)
        load_quad(quad[r], weight.row(j + first + r) + 4 * lane);
    }
#pragma unroll
    for (int r = 0; r < kAtOnce; ++r) {
      if (lane < units.quads) store_quad(to + (first + r) * units.stride() + 4 * lane, quad[r]);
    }
  }
  if (lane < kN) {
    float quad[4] = {};
    if (units.lone && lane < n) load_quad(quad, weight.row(j + lane) + 4 * units.quads);
    store_quad(to + lane * units.stride() + 4 * units.quads, quad);
  }
}

/// Rows j .. j + n of a matrix, by one warp.
__device__ void prefetch_rows(const Matrix<float>& matrix, std::int64_t j, int n) {
  constexpr int kLine = 32;  ///< floats
  const float* const begin = matrix.row(j);
  const std::int64_t floats = n * matrix.stride;
  for (std::int64_t i = threadIdx.x % kWarp * kLine; i < floats; i += kWarp * kLine) {
    prefetch_to_l2(begin + i);
  }
}

template <int kRows, int kQuads>
__global__ void __launch_bounds__(kGramThreads, 2) update_columns(NarrowUpdate update) {
  constexpr int kRowsOfWarp = 2 * kRows, kTile = kRowsOfWarp * static_cast<int>(kWarps);
  const OutputGramUpdate& op = update.op;
  const BatchColumns& columns = op.columns;
  const Units units(op.rows.width);
  const int stride = units.stride(), lone = units.width - 1;
  DYN_SHARED(float, shared);
  float* const last = shared + kTile * stride;  // G's last row
  float* const slice = last + stride;

  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const int x = lane % kHalf, half = lane / kHalf;
  const int warp_row = static_cast<int>(threadIdx.x / kWarp) * kRowsOfWarp;
  float* const warp_rows = shared + warp_row * stride;
  float* const mine = warp_rows + half * stride;  // and every second one from there
  int quads[kQuads];
  const float *of_slice[kQuads], *of_last[kQuads];
#pragma unroll
  for (int i = 0; i < kQuads; ++i) {
    quads[i] = x + kHalf * i;
    const int within = quads[i] < units.quads ? quads[i] : 0;
    of_slice[i] = slice + 4 * within;
    of_last[i] = last + 4 * within;
  }

  const bool whole = update.slice >= 4 * units.quads;
  if (whole) load_hidden_gram(slice, op.hidden_gram, units, 0, 4 * units.quads);
  for (int c = static_cast<int>(threadIdx.x); c < stride; c += kGramThreads) {
    last[c] = c < units.width ? op.hidden_gram.row(lone)[c] : 0;
  }
  __syncthreads();

  const FineGramSegments segments(op.n_columns, op.rows.width);
  const std::int64_t begin = segments.begin(blockIdx.x), end = segments.end(blockIdx.x);
  const AdamScalars scalars = op.adam.at(op.step);
  const std::int32_t n_ids = columns.n_columns[0];
  std::int32_t next = find_column(columns.ids, 0, n_ids, begin);  // of the tile's columns and later
  GramPartial<kQuads> partial(units);

  for (std::int64_t tile = begin; tile < end; tile += kTile) {
    const int n = static_cast<int>(end - tile < kTile ? end - tile : kTile);
    const int n_mine = n - warp_row < kRowsOfWarp ? n - warp_row : kRowsOfWarp;  // may be negative
    load_rows<kRowsOfWarp>(warp_rows, op.rows.weight, units, tile + warp_row, n_mine);
    prefetch_rows(op.rows.first_moment, tile + warp_row, n_mine);
    prefetch_rows(op.rows.second_moment, tile + warp_row, n_mine);

    // Lane x of a half finds the ratings of the half's row x; its last lane, where the next tile's
    // begin.
    ColumnRatings ratings;
    {
      const int row = half + 2 * x;
      const bool of_row = x < kRows && row < n_mine;
      const std::int64_t column = tile + (of_row ? warp_row + row : kTile);
      const std::int32_t place =
          find_column(columns.ids, next, next + kTile < n_ids ? next + kTile : n_ids, column);
      if (of_row) ratings = ColumnRatings::at(columns, n_ids, place, column);
      next = warp_read(place, kWarp - 1);
    }
    warp_barrier();

    float sum[kRows][4 * kQuads] = {};
    float lone_sum = 0;  // of the half's row x, modulo kRows
    const float* const lone_row = mine + x % kRows * 2 * stride;
    for (int k = 0; k < 4 * units.quads; k += update.slice) {
      const int left = 4 * units.quads - k;
      const int n_k = left < update.slice ? left : update.slice;
      if (!whole) {
        __syncthreads();
        load_hidden_gram(slice, op.hidden_gram, units, k, n_k);
        __syncthreads();
      }
      multiply_tiles(sum, mine + k, 2 * stride, of_slice, 4 * units.quads, n_k / 4, [&](int of_k) {
        float a[4], b[4];
        load_quad(a, lone_row + k + of_k);
        load_quad(b, last + k + of_k);
#pragma unroll
        for (int e = 0; e < 4; ++e) lone_sum = fmaf(a[e], b[e], lone_sum);
      });
    }
    if (units.lone) {
      float b[4 * kQuads];
#pragma unroll
      for (int i = 0; i < kQuads; ++i) load_quad(b + 4 * i, of_last[i]);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float a = mine[2 * r * stride + lone];
#pragma unroll
        for (int c = 0; c < 4 * kQuads; ++c) sum[r][c] = fmaf(a, b[c], sum[r][c]);
      }
      lone_sum = fmaf(lone_row[lone], last[lone], lone_sum);
    }

    warp_barrier();  // all of the warp have read the old rows
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int i = 0; i < kQuads; ++i) {
        if (quads[i] < units.quads)
          store_quad(mine + 2 * r * stride + 4 * quads[i], sum[r] + 4 * i);
      }
    }
    float* const lone_gradient = mine + x * 2 * stride + 4 * units.quads;  // of the half's row x
    if (x < kRows) lone_gradient[0] = lone_sum;
    warp_barrier();

#pragma unroll 1
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t first = warp_read(ratings.first, static_cast<unsigned>(half * kHalf + r));
      const std::int64_t count = warp_read(ratings.count, static_cast<unsigned>(half * kHalf + r));
      if (half + 2 * r >= n_mine) continue;
      const std::int64_t j = tile + warp_row + half + 2 * r;
      float* const row = mine + 2 * r * stride;
      float gradient[4 * kQuads] = {};
      AdamQuad parameters[kQuads];
#pragma unroll
      for (int i = 0; i < kQuads; ++i) {
        if (quads[i] >= units.quads) continue;
        load_quad(gradient + 4 * i, row + 4 * quads[i]);
        parameters[i].load(op.rows, j, quads[i]);
      }
      float of_lone = row[4 * units.quads];
#pragma unroll 2
      for (std::int64_t e = first; e < first + count; ++e) {
        const float* hidden = op.hidden.row(columns.entry_row[e]);
        const float rating = columns.values[columns.entry_index[e]];
#pragma unroll
        for (int i = 0; i < kQuads; ++i) {
          if (quads[i] >= units.quads) continue;
          float quad[4];
          load_quad(quad, hidden + 4 * quads[i]);
#pragma unroll
          for (int c = 0; c < 4; ++c) {
            gradient[4 * i + c] = fmaf(-rating, quad[c], gradient[4 * i + c]);
          }
        }
        of_lone = fmaf(-rating, hidden[lone], of_lone);
      }
#pragma unroll
      for (int i = 0; i < kQuads; ++i) {
        if (quads[i] >= units.quads) continue;
        parameters[i].step(op.adam, scalars, update.scale, gradient + 4 * i);
        parameters[i].store(op.rows, j, quads[i]);
        store_quad(row + 4 * quads[i], parameters[i].w);
      }
      // Beside the cell that the half's other lanes may still be reading.
      if (x == 0) row[4 * units.quads + 1] = of_lone;
    }
    warp_barrier();
    if (units.lone && x < kRows && half + 2 * x < n_mine) {
      const std::int64_t j = tile + warp_row + half + 2 * x;
      adam_step_at(op.rows, op.adam, scalars, j, lone, update.scale * lone_gradient[1]);
      lone_gradient[0] = op.rows.weight.row(j)[lone];
    }
    if (tile + kTile < end) {
      const std::int64_t left = end - tile - kTile - warp_row;
      prefetch_rows(op.rows.weight, tile + kTile + warp_row,
                    static_cast<int>(left < kRowsOfWarp ? left : kRowsOfWarp));
    }
    __syncthreads();
    partial.add(shared, n);
    __syncthreads();
  }
  partial.store(partial_of(op.scratch, op.rows.width, blockIdx.x));
}

int device_attribute(cudaDeviceAttr attribute) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, attribute, 0));
  return value;
}

/// How many rows of G are in shared memory at a time: as many as leave room for two blocks on a
/// multiprocessor, or, on small cards, as any launch may have.
int slice_of_hidden_gram(const Units& units, int tile) {
  constexpr int kReserved = 1 << 10;  // what CUDA keeps of it for itself, a block
  const int of_two = device_attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor) / 2 - kReserved;
  const int most = std::max(
      48 << 10, std::min(of_two, device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)));
  const int all = 4 * units.quads;
  if (all == 0) return 4;
  const auto left =
      static_cast<int>(most / sizeof(float)) - static_cast<int>(shared_floats(units, tile, 0));
  const int fitting = left / all / 4 * 4;
  const int n_slices = (all + fitting - 1) / fitting;
  return (all + 4 * n_slices - 1) / (4 * n_slices) * 4;
}

template <int kRows, int kQuads>
void launch_narrow_update(const OutputGramUpdate& op, std::int64_t n_segments,
                          cudaStream_t stream) {
  const Units units(op.rows.width);
  constexpr int kTile = 2 * kRows * static_cast<int>(kWarps);
  const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
  const NarrowUpdate update = {op, static_cast<float>(2 / cells),
                               slice_of_hidden_gram(units, kTile)};
  const auto bytes =
      sizeof(float) * static_cast<std::size_t>(shared_floats(units, kTile, update.slice));
  const auto kernel = update_columns<kRows, kQuads>;
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
  launch(kernel, {static_cast<unsigned>(n_segments), kGramThreads, bytes, stream}, update);
}

}  // namespace

void launch_output_gram_update(const OutputGramUpdate& op, cudaStream_t stream) {
  const std::int64_t width = op.rows.width;
  const FineGramSegments segments(op.n_columns, width);
  if (width > kMaxNarrowWidth) {
    launch_wide_update(op, stream);
    launch_wide_gram_partials({op.rows.weight, op.n_columns, width, op.gram, op.scratch}, stream);
  } else {
    // Few columns are cut into small tiles, for more blocks; many into large ones, which load G
    // from shared memory less often.
    const bool small = segments.longest() <= 32;
    const bool two_quads = Units(width).quads > kHalf;
    const auto launch_update =
        small ? (two_quads ? launch_narrow_update<2, 2> : launch_narrow_update<2, 1>)
              : (two_quads ? launch_narrow_update<8, 2> : launch_narrow_update<8, 1>);
    launch_update(op, segments.count, stream);
  }
  launch_gram_sum(op.gram, op.scratch, op.n_columns, width, stream);
}

}  // namespace hourglass::cuda
