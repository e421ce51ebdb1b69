// The output layer's pass over rows too wide for one block's shared memory (above kMaxNarrowWidth):
// in three steps, where output_gram_update.cu has one.
//
// 1. Wa G, for as many columns as the scratch holds gradients of: a block a tile of kRows columns
//    and kUnits units; the sum over k passes through shared memory in slices. Where --math allows
//    another than fp32, by cuBLAS.
// 2. The ratings and Adam, a warp a column. The rows of Wa that step 1 reads are whole then.
//    Both again for the next columns, until all have taken the step.
// 3. The partials of S: a block a tile of 64 x 64 elements on or above the diagonal and a segment.
//
// In fp32 every sum is one chain of fmaf, in the order of k, of a column's ratings, of a segment's
// columns. Error of a gradient: rounding of a chain of width + ratings products. Bytes: 24 a
// parameter, 8 for the gradient's way through the scratch, and rows and G again for every tile,
// from L2. Multiply- adds: 1.5 n_columns width^2, which from width 300 on take longer than the
// bytes.
#include <algorithm>

#include "kernels/adam_quad.cuh"
#include "kernels/column_ratings.cuh"
#include "kernels/gram_partial.cuh"
#include "kernels/launch.cuh"
#include "kernels/output_gram.h"
#include "kernels/tile_product.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 128;
constexpr int kWarps = kThreads / kWarp;
constexpr int kSlice = 32;
constexpr int kRows = 64;
constexpr int kUnits = 128;

/// A slice's quads (r, q), r < kN and q < kQuads, from a matrix's row `row` and unit 4 `quad` on;
/// zeros beyond its n_rows and its padded width.
template <int kN, int kQuads>
__device__ void load_slice(float* to, int stride, const Matrix<const float>& from, std::int64_t row,
                           std::int64_t n_rows, int quad, std::int64_t width) {
  const int n_quads = static_cast<int>(padded(width) / 4);
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < kN * kQuads; i += kThreads) {
    const int r = i / kQuads, q = i % kQuads;
    float values[4] = {};
    if (row + r < n_rows && quad + q < n_quads) {
      load_quad(values, from.row(row + r) + 4 * (quad + q));
    }
    store_quad(to + r * stride + 4 * q, values);
  }
}

/// Columns begin .. end of Wa G, to row 0 .. of the scratch.
__global__ void __launch_bounds__(kThreads)
    multiply_by_hidden_gram(OutputGramUpdate op, std::int64_t begin, std::int64_t end) {
  constexpr int kLeftStride = kSlice + 4;
  SHARED_ARRAY(float4, left, [kRows * kLeftStride / 4]);
  SHARED_ARRAY(float4, right, [kSlice * kUnits / 4]);
  float* const rows = reinterpret_cast<float*>(left);
  float* const units = reinterpret_cast<float*>(right);
  const std::int64_t first_row = begin + static_cast<std::int64_t>(blockIdx.x) * kRows;
  const int first_quad = static_cast<int>(blockIdx.y) * kUnits / 4;
  const int width = static_cast<int>(op.rows.width);
  // Half a warp has every second of its warp's 16 rows, a lane of it two quads.
  const int x = static_cast<int>(threadIdx.x % 16), y = static_cast<int>(threadIdx.x / 16);
  const int row = y / 2 * 16 + y % 2;
  const float* const quads[2] = {units + 4 * x, units + 4 * x + kUnits / 2};

  float sum[8][8] = {};
  for (int k = 0; k < width; k += kSlice) {
    __syncthreads();
    load_slice<kRows, kSlice / 4>(rows, kLeftStride, op.rows.weight, first_row, end, k / 4, width);
    load_slice<kSlice, kUnits / 4>(units, kUnits, op.hidden_gram, k, width, first_quad, width);
    __syncthreads();
    multiply_tiles(sum, rows + row * kLeftStride, 2 * kLeftStride, quads, kUnits, kSlice / 4,
                   [](int) {});
  }
#pragma unroll
  for (int r = 0; r < 8; ++r) {
    const std::int64_t j = first_row + row + 2 * r;
    if (j >= end) continue;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int q = first_quad + x + half * 16;
      if (4 * q >= width) continue;
      store_quad((op.scratch + ((j - begin) * padded(width) + 4 * q)).raw(), sum[r] + 4 * half);
    }
  }
}

/// The rest of the step for columns begin .. end, the scratch holding their share of Wa G.
__global__ void __launch_bounds__(kThreads)
    take_steps(OutputGramUpdate op, float scale, std::int64_t begin, std::int64_t end) {
  const std::int64_t j =
      begin + static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  if (j >= end) return;
  const BatchColumns& columns = op.columns;
  const std::int32_t n_ids = columns.n_columns[0];
  const ColumnRatings ratings =
      ColumnRatings::at(columns, n_ids, find_column(columns.ids, 0, n_ids, j), j);
  const AdamScalars scalars = op.adam.at(op.step);
  const int width = static_cast<int>(op.rows.width);
  for (int q = static_cast<int>(threadIdx.x % kWarp); 4 * q < width; q += kWarp) {
    float gradient[4];
    load_quad(gradient, (op.scratch + ((j - begin) * padded(width) + 4 * q)).raw());
    AdamQuad parameters;
    parameters.load(op.rows, j, q);
#pragma unroll 4
    for (std::int64_t e = ratings.first; e < ratings.first + ratings.count; ++e) {
      const float x = columns.values[columns.entry_index[e]];
      float hidden[4];
      load_quad(hidden, op.hidden.row(columns.entry_row[e]) + 4 * q);
#pragma unroll
      for (int c = 0; c < 4; ++c) gradient[c] = fmaf(-x, hidden[c], gradient[c]);
    }
    parameters.step(op.adam, scalars, scale, gradient);
    parameters.store(op.rows, j, q);
  }
}

/// The tiles (i, k), i <= k, of 64 units, row by row.
__global__ void __launch_bounds__(kThreads, 4) add_outer_products(OutputGram op) {
  constexpr int kEdge = 64, kStride = kEdge + 4;
  SHARED_ARRAY(float4, left, [kSlice * kStride / 4]);
  SHARED_ARRAY(float4, right, [kSlice * kStride / 4]);
  float* const rows_i = reinterpret_cast<float*>(left);
  float* const rows_k = reinterpret_cast<float*>(right);
  const int width = static_cast<int>(op.width);
  const int n_runs = (width + kEdge - 1) / kEdge;
  int run = 0, place = static_cast<int>(blockIdx.x);
  while (place >= n_runs - run) place -= n_runs - run++;
  const int other_run = run + place;
  const FineGramSegments segments(op.n_columns, width);
  const std::int64_t end = segments.end(blockIdx.y);
  const int x = static_cast<int>(threadIdx.x % 16), y = static_cast<int>(threadIdx.x / 16);

  float sum[8][4] = {};
  for (std::int64_t j = segments.begin(blockIdx.y); j < end; j += kSlice) {
    __syncthreads();
    load_slice<kSlice, kEdge / 4>(rows_i, kStride, op.weight, j, end, run * kEdge / 4, width);
    load_slice<kSlice, kEdge / 4>(rows_k, kStride, op.weight, j, end, other_run * kEdge / 4, width);
    __syncthreads();
    const int n = static_cast<int>(end - j < kSlice ? end - j : kSlice);
    for (int s = 0; s < n; ++s) {
      float a[8], b[4];
      load_quad(a, rows_i + s * kStride + 8 * y);
      load_quad(a + 4, rows_i + s * kStride + 8 * y + 4);
      load_quad(b, rows_k + s * kStride + 4 * x);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
#pragma unroll
        for (int k = 0; k < 4; ++k) sum[i][k] = fmaf(a[i], b[k], sum[i][k]);
      }
    }
  }
  const Matrix<float> partial = partial_of(op.scratch, width, blockIdx.y);
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int unit = run * kEdge + 8 * y + i, q = other_run * kEdge / 4 + x;
    if (unit < width && 4 * q < width) store_quad(partial.row(unit) + 4 * q, sum[i]);
  }
}

}  // namespace

void launch_wide_gram_partials(const OutputGram& op, cudaStream_t stream) {
  const unsigned n_runs = blocks_of(op.width, 64);
  const dim3 grid(n_runs * (n_runs + 1) / 2,
                  static_cast<unsigned>(FineGramSegments(op.n_columns, op.width).count));
  launch(add_outer_products, {grid, kThreads, 0, stream}, op);
}

void launch_wide_update(const OutputGramUpdate& op, Gemm& gemm, cudaStream_t stream) {
  const std::int64_t width = op.rows.width;
  const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
  const std::int64_t at_once = gram_scratch(op.n_columns, width) / padded(width);
  for (std::int64_t begin = 0; begin < op.n_columns; begin += at_once) {
    const std::int64_t end = std::min(op.n_columns, begin + at_once);
    if (gemm.math() == Math::kFp32) {
      launch(multiply_by_hidden_gram,
             {dim3(blocks_of(end - begin, kRows), blocks_of(width, kUnits)), kThreads, 0, stream},
             op, begin, end);
    } else {
      const Matrix<float>& weight = op.rows.weight;
      gemm.run(end - begin, width, width, 1, {{weight.data + begin * weight.stride, weight.stride}},
               {op.hidden_gram}, false, {op.scratch, padded(width)});
    }
    launch(take_steps, {blocks_of(end - begin, kWarps), kThreads, 0, stream}, op,
           static_cast<float>(2 / cells), begin, end);
  }
}

}  // namespace hourglass::cuda
