// The wide layers, one row of weights a column id (hourglass/ops/wide.h).
#include <algorithm>

#include "kernels/adam.cuh"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/weighted_rows.cuh"

namespace hourglass::cuda {
namespace {

// At most so many blocks walk over the rows that occur, whose number only the device knows: more
// than a card runs at once, few enough that those without a row cost nothing to speak of.
constexpr std::int64_t kWalkingBlocks = 2048;

// Gather. A block has a batch row and a slice of its units, and 16 groups as weighted_rows.cuh has
// them: 128 threads where the width is a multiple of 32, with 128 ratings in flight. A batch of 128
// rows, 128 wide, is 512 blocks. Weights are read in whole cache lines.
// Error: rounding of a chain of n / 16 fused products, 15 sums and the bias.
// Bytes: 4 (ratings (width + 2 slices) + batch x width), nearly all of them the weights' rows.
constexpr unsigned kGroups = 16;
constexpr unsigned kMaxThreads = Slices::kMaxVectors * kGroups;
// Of kMaxThreads: 80 registers each, which hold all that is in flight. Where this is not said,
// ptxas asks for more blocks and gives up the rows in flight, or spills, as it likes.
constexpr unsigned kMinBlocks = 3;

__global__ void __launch_bounds__(kMaxThreads, kMinBlocks)
    gather_rows(GatherRows op, unsigned n_slices) {
  SHARED_ARRAY(float4, shares, [kGroups][Slices::kMaxVectors]);
  const std::int64_t b = blockIdx.x / n_slices;
  const unsigned slice = blockIdx.x % n_slices, group = threadIdx.y;
  const CsrPtr& ratings = op.batch.ratings;
  const std::int32_t row = op.batch.rows[b];
  const std::int64_t first = ratings.row_offsets[row];
  const auto n = static_cast<unsigned>(ratings.row_offsets[row + 1] - first);
  const std::int32_t* columns = ratings.columns.raw() + first;
  const float* values =
      op.values ? op.values.raw() + op.row_begin[b] : ratings.values.raw() + first;

  // In the end a thread takes one float.
  const unsigned of_slice = threadIdx.y * blockDim.x + threadIdx.x;
  const bool takes_one = of_slice < 4 * blockDim.x;
  const int unit = takes_one ? place_in_row(slice, n_slices, of_slice, op.width) : -1;
  const float bias = unit >= 0 && op.bias_row >= 0 ? op.weight.row(op.bias_row)[unit] : 0;

  const int c = place_in_row(slice, n_slices, 4 * threadIdx.x, op.width);
  if (c >= 0) {
    shares[group][threadIdx.x] = share_of_sum<8>(
        n, group, kGroups, [&](unsigned e) { return op.weight.row(columns[e]) + c; },
        [&](unsigned e) { return values[e]; });
  }
  __syncthreads();
  if (unit >= 0) {
    const float sum = add_shares(shares, kGroups, of_slice) + bias;
    op.out.row(b)[unit] = op.relu ? relu(sum) : sum;
  }
  if (op.append_one && slice == 0 && of_slice == 0) op.out.row(b)[op.width] = 1;
}

// Sparse gradient and Adam. A block has one slice of the units and four teams of four groups, each
// with a column that occurs; they walk until all columns are done. A column of more than kLong
// entries (a popular one, the bias) would keep its team: there the whole block sums. Teams take
// columns far apart, since popular ones often have neighbouring ids, and the bias comes first. A
// column's weights and moments are asked for before the sum; each thread steps one float of them.
// Error of the gradient: rounding of a chain of n / 4 fused products and 3 sums, or n / 16 and 15.
// Bytes: 24 a weight of the columns that occur; an entry's 4 width + 16 come from a cache mostly,
// since the factor is [batch x width].
constexpr unsigned kTeams = 4;
constexpr unsigned kTeamGroups = kGroups / kTeams;
constexpr unsigned kLong = 64;

__global__ void __launch_bounds__(kMaxThreads, kMinBlocks)
    sparse_adam(SparseAdam op, unsigned n_slices) {
  SHARED_ARRAY(float4, shares, [kGroups][Slices::kMaxVectors]);
  SHARED_ARRAY(std::int64_t, begin_of, [kTeams]);
  SHARED_ARRAY(unsigned, n_of, [kTeams]);
  const BatchColumns& columns = op.columns;
  const std::int64_t n_columns = columns.n_columns[op.bias_column ? 1 : 0];
  const std::int64_t n_turns = (n_columns + kTeams - 1) / kTeams;
  const unsigned slice = blockIdx.x % n_slices, group = threadIdx.y;
  const unsigned team = group / kTeamGroups, of_team = group % kTeamGroups;
  const unsigned of_slice = of_team * blockDim.x + threadIdx.x;
  const int unit = place_in_row(slice, n_slices, of_slice, op.rows.width);
  const int c = place_in_row(slice, n_slices, 4 * threadIdx.x, op.rows.width);
  const AdamScalars scalars = op.adam.at(op.step);

  for (std::int64_t turn = blockIdx.x / n_slices; turn < n_turns; turn += gridDim.x / n_slices) {
    const std::int64_t column = n_columns - 1 - (turn + team * n_turns);
    const bool occurs = column >= 0;
    const std::int64_t begin = occurs ? columns.begin[column] : 0;
    const auto n = static_cast<unsigned>(occurs ? columns.begin[column + 1] - begin : 0);
    const std::int32_t row = occurs ? columns.ids[column] : 0;
    const bool steps = occurs && unit >= 0;
    float w = 0, m = 0, v = 0;
    if (steps) {
      w = op.rows.weight.row(row)[unit];
      m = op.rows.first_moment.row(row)[unit];
      v = op.rows.second_moment.row(row)[unit];
    }
    if (of_slice == 0) {
      begin_of[team] = begin;
      n_of[team] = n;
    }
    __syncthreads();

    // Among n_groups groups, this one being number `among`.
    const auto leave_share = [&](std::int64_t first, unsigned n_entries, unsigned among,
                                 unsigned n_groups) {
      if (c < 0) return;
      shares[group][threadIdx.x] = share_of_sum<4>(
          n_entries, among, n_groups,
          [&](unsigned e) { return op.factor.row(columns.entry_row[first + e]) + c; },
          [&](unsigned e) { return op.coefficients[columns.entry_index[first + e]]; });
    };
    float sum = 0;
    for (unsigned t = 0; t < kTeams; ++t) {
      if (n_of[t] <= kLong) continue;
      leave_share(begin_of[t], n_of[t], group, kGroups);
      __syncthreads();
      if (t == team && steps) sum = add_shares(shares, kGroups, of_slice);
      __syncthreads();
    }
    if (n <= kLong) leave_share(begin, n, of_team, kTeamGroups);
    __syncthreads();
    if (n <= kLong && steps) sum = add_shares(shares + team * kTeamGroups, kTeamGroups, of_slice);

    if (steps) {
      adam_step(op.adam, scalars, op.scale * sum, w, m, v);
      op.rows.weight.row(row)[unit] = w;
      op.rows.first_moment.row(row)[unit] = m;
      op.rows.second_moment.row(row)[unit] = v;
    }
    if (occurs && slice == 0 && of_slice == 0) op.rows.last_step[row] = op.step;
  }
}

// Catching up. A block has a row, a thread one float of it (every kCatchUpThreads-th, of a wider
// row); rows have missed unlike numbers of steps, so a block that is done walks on. A step is some
// 30 instructions, and all the missed steps together are as many as dense Adam's: the 24 bytes a
// weight and step are what deferring saves.
// Numerics: adam_step itself, so that the bits are the dense ones. Bytes: 24 a weight of a row that
// has missed a step, 8 a row that has not.
constexpr unsigned kCatchUpThreads = 256;

/// Steps `from` to `to`, of zero gradient.
template <bool kDecay>
__device__ void replay(const AdamConstants& adam, std::int64_t from, std::int64_t to, float& w,
                       float& m, float& v) {
  constexpr int kAtOnce = 4;  // their quotients wait for no other (see adam_step)
  std::int64_t step = from;
  // Without decay a row whose m has faded away moves no more, and v fades alone.
  for (; step + kAtOnce - 1 <= to && (kDecay || m != 0); step += kAtOnce) {
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) adam_step<kDecay>(adam, adam.at(step + k), 0, w, m, v);
  }
  for (; step <= to && (kDecay || m != 0); ++step) {
    adam_step<kDecay>(adam, adam.at(step), 0, w, m, v);
  }
  if (step <= to) m = 0;    // it may be -0, which no further step would leave
  constexpr int kFade = 8;  // a zero stays one: it need not be looked for at every step
  for (; step + kFade - 1 <= to && v != 0; step += kFade) {
#pragma unroll
    for (int k = 0; k < kFade; ++k) v = fmaf(adam.beta2, v, 0);
  }
  for (; step <= to && v != 0; ++step) v = fmaf(adam.beta2, v, 0);
}

__global__ void __launch_bounds__(kCatchUpThreads, 4) catch_up_rows(CatchUpRows op) {
  const std::int64_t n = op.ids ? op.n_ids[0] : op.n_rows;
  for (std::int64_t i = blockIdx.x; i < n; i += gridDim.x) {
    const std::int64_t row = op.ids ? op.ids[i] : i;
    const std::int64_t last = op.rows.last_step[row];
    __syncthreads();  // all have read it
    if (last == op.step) continue;
    if (threadIdx.x == 0) op.rows.last_step[row] = op.step;
    const bool decay = op.adam.weight_decay != 0;
    // Never had a gradient: m = v = 0, and replaying would leave the row as it is.
    if (last == 0 && !decay) continue;
    for (std::int64_t c = threadIdx.x; c < op.rows.width; c += blockDim.x) {
      float w = op.rows.weight.row(row)[c];
      float m = op.rows.first_moment.row(row)[c];
      float v = op.rows.second_moment.row(row)[c];
      if (decay) {
        replay<true>(op.adam, last + 1, op.step, w, m, v);
      } else {
        replay<false>(op.adam, last + 1, op.step, w, m, v);
      }
      op.rows.weight.row(row)[c] = w;
      op.rows.first_moment.row(row)[c] = m;
      op.rows.second_moment.row(row)[c] = v;
    }
  }
}

}  // namespace

void launch_gather_rows(const GatherRows& op, cudaStream_t stream) {
  const Slices slices(op.width);
  const auto n_rows = static_cast<unsigned>(op.batch.n_rows);
  launch(gather_rows, {n_rows * slices.count, dim3(slices.widest, kGroups), 0, stream}, op,
         slices.count);
}

void launch_sparse_adam(const SparseAdam& op, cudaStream_t stream) {
  const Slices slices(op.rows.width);
  const std::int64_t turns = std::min<std::int64_t>(
      blocks_of(op.max_columns, kTeams), std::max<std::int64_t>(kWalkingBlocks / slices.count, 1));
  launch(sparse_adam,
         {static_cast<unsigned>(turns) * slices.count, dim3(slices.widest, kGroups), 0, stream}, op,
         slices.count);
}

void launch_catch_up_rows(const CatchUpRows& op, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(std::min(op.n_rows, kWalkingBlocks));
  const unsigned threads = std::min(blocks_of(op.rows.width, kWarp) * kWarp, kCatchUpThreads);
  launch(catch_up_rows, {blocks, std::max(threads, 1U), 0, stream}, op);
}

}  // namespace hourglass::cuda
