// The one pass over the output layer (OutputGramUpdate in hourglass/ops/output.h, DESIGN 3.2), for
// widths up to kMaxNarrowWidth: read w, m and v, step, write them, and add the new rows to S.
//
// A block of four warps a segment of FineGramSegments, tile by tile of 8 kRows columns, each of
// whose rows belongs to one warp from its load to its last store:
//   1. the warp's rows of Wa come into shared memory;
//   2. gradient = Wa G (row_product.cuh): on fp32 units, or on tensor cores where --math allows it
//      and the columns are many; S is fp32's in either case. G is in shared
//      memory, whole or, where that leaves no room for two blocks on a multiprocessor, in slices
//      that all warps wait for;
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
// In fp32 every element's sum is one chain of fmaf: over k, then over the column's ratings in row
// order; in S over the segment's columns. Neither tiles nor slices show in the bits. Error of a
// gradient: rounding of a chain of width + ratings products; on tensor cores 2^-10 of the sum of
// |Wa G|'s terms more.
// Bytes: 24 a parameter; G a block, or a tile where it is in slices, and 4 width a rating, from L2;
// the partials. Multiply-adds: 1.5 n_columns width^2, at width 129 as long as the bytes take on an
// H100, longer on an A100. Tensor cores take two thirds of them off the fp32 units, and then bytes
// decide on both; bf16 would have nothing to add, so that --math bf16 is TF32 here.
#include <algorithm>

#include "kernels/gram_partial.cuh"
#include "kernels/gram_update_tile.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/output_gram.h"
#include "kernels/units.cuh"

namespace hourglass::cuda {
namespace {

template <class Product>
__global__ void __launch_bounds__(kGramThreads, 2) update_columns(NarrowUpdate update) {
  using Tile = GramUpdateTile<Product>;
  DYN_SHARED(float, shared);
  const Tile tile(update, shared);
  tile.load_last_and_whole();
  __syncthreads();

  const OutputGramUpdate& op = update.op;
  const FineGramSegments segments(op.n_columns, op.rows.width);
  const std::int64_t end = segments.end(blockIdx.x);
  std::int64_t first = segments.begin(blockIdx.x);
  std::int32_t next = find_column(op.columns.ids, 0, op.columns.n_columns[0], first);
  GramPartial<Tile::kQuads> partial;
  for (; first < end; first += Tile::kSize) {
    const auto columns_left = [&](std::int64_t from) {
      return static_cast<int>(end - from < Tile::kSize ? end - from : Tile::kSize);
    };
    const int n = columns_left(first);
    tile.load(first, n);
    tile.multiply_by_hidden_gram(n);
    next = tile.step(first, n, next);
    tile.prefetch(first + Tile::kSize, columns_left(first + Tile::kSize));
    __syncthreads();
    partial.add(tile.units(), tile.rows(), n);
    __syncthreads();
  }
  partial.store(tile.units(), partial_of(op.scratch, op.rows.width, blockIdx.x));
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
  if (all == 0) return kSliceStep;
  const auto left =
      static_cast<int>(most / sizeof(float)) - static_cast<int>(shared_floats(units, tile, 0));
  const int fitting = left / stride_of_slice(units) / kSliceStep * kSliceStep;
  const int n_slices = (all + fitting - 1) / fitting;
  return (all + kSliceStep * n_slices - 1) / (kSliceStep * n_slices) * kSliceStep;
}

template <class Product>
void launch_narrow_update(const OutputGramUpdate& op, std::int64_t n_segments,
                          cudaStream_t stream) {
  const Units units(op.rows.width);
  constexpr int kTile = GramUpdateTile<Product>::kSize;
  const double cells = static_cast<double>(op.batch) * static_cast<double>(op.n_columns);
  const NarrowUpdate update = {op, static_cast<float>(2 / cells),
                               slice_of_hidden_gram(units, kTile)};
  const auto bytes =
      sizeof(float) * static_cast<std::size_t>(shared_floats(units, kTile, update.slice));
  const auto kernel = update_columns<Product>;
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
  launch(kernel, {static_cast<unsigned>(n_segments), kGramThreads, bytes, stream}, update);
}

/// Few columns are cut into small tiles, for more blocks; many into large ones, which load G from
/// shared memory less often.
template <int kQuads>
void launch_narrow(const OutputGramUpdate& op, const FineGramSegments& segments, Math math,
                   cudaStream_t stream) {
  const auto launch_update = segments.longest() <= kFineGramBlock
                                 ? launch_narrow_update<FusedProduct<2, kQuads>>
                             : math == Math::kFp32 ? launch_narrow_update<FusedProduct<8, kQuads>>
                                                   : launch_narrow_update<TensorProduct<kQuads>>;
  launch_update(op, segments.count, stream);
}

}  // namespace

void launch_output_gram_update(const OutputGramUpdate& op, Gemm& gemm, cudaStream_t stream) {
  const std::int64_t width = op.rows.width;
  const FineGramSegments segments(op.n_columns, width);
  if (width > kMaxNarrowWidth) {
    launch_wide_update(op, gemm, stream);
    launch_wide_gram_partials({op.rows.weight, op.n_columns, width, op.gram, op.scratch}, stream);
  } else {
    const auto launch = Units(width).quads > kHalfWarp ? launch_narrow<2> : launch_narrow<1>;
    launch(op, segments, gemm.math(), stream);
  }
  launch_gram_sum(op.gram, op.scratch, op.n_columns, width, stream);
}

}  // namespace hourglass::cuda
