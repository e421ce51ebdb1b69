// Rankings and sums of scores (hourglass/ops/ranking.h). A block a row of scores, which are read
// once.
#include <limits>

#include "kernels/kernels.h"
#include "kernels/launch.cuh"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 256;

// The k best of a row. The block passes over the row in runs of kRun columns. What is above the
// cutoff and not excluded is appended to a list of keys, in whatever order its threads come; when
// the list might not hold a run more, it is sorted, cut at k, and the kth best score is the cutoff
// from there on: later scores that equal it are of greater columns and come after it. The keys are
// all different, so that the sorted list, the result, does not depend on that order. Of n scores in
// random order some k log(n / k) are ever appended: for n = 53,424 and k = 10 the list is sorted
// twice and again at the end, 2,048 keys at the most, and the time is that of reading the row.
// Scores that ascend are the worst case: a sort every kRun columns. The list is in shared memory
// for k up to 1,024, else in the scratch. Bytes: 4 a score, and k results.
constexpr unsigned kLoads = 4;  ///< scores of a run that a thread takes
constexpr unsigned kRun = kThreads * kLoads;
constexpr unsigned kSharedKeys = 2048;
static_assert(select_top_keys(1) == kSharedKeys, "and as many for k up to 1,024");
static_assert(kSharedKeys >= 1024 + kRun, "beside the k best there is room for a run");

/// A bitonic sort, greatest first, of n keys, a power of two. All threads call; a barrier ends it.
__device__ void sort_keys(std::uint64_t* keys, unsigned n) {
  for (unsigned size = 2; size <= n; size *= 2) {
    for (unsigned distance = size / 2; distance > 0; distance /= 2) {
      for (unsigned i = threadIdx.x; i < n / 2; i += kThreads) {
        const unsigned low = 2 * i - (i & (distance - 1)), high = low + distance;
        const bool greatest_first = (low & size) == 0;
        const std::uint64_t a = keys[low], b = keys[high];
        if ((a < b) == greatest_first) {
          keys[low] = b;
          keys[high] = a;
        }
      }
      __syncthreads();
    }
  }
}

/// Sorts the first n keys and what zeros fill them up to a power of two. All threads call, after a
/// barrier.
__device__ void sort_list(std::uint64_t* keys, unsigned n) {
  unsigned size = 1;
  while (size < n) size *= 2;
  for (unsigned i = n + threadIdx.x; i < size; i += kThreads) keys[i] = 0;
  __syncthreads();
  sort_keys(keys, size);
}

__device__ bool contains(const std::int32_t* begin, const std::int32_t* end, std::int32_t column) {
  while (begin < end) {
    const std::int32_t* middle = begin + (end - begin) / 2;
    if (*middle == column) return true;
    if (*middle < column) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return false;
}

/// keys: [capacity], of the block alone.
__device__ void select_row(const SelectTop& op, std::uint64_t* keys, unsigned capacity) {
  SHARED_ARRAY(unsigned, length, [1]);
  const std::int64_t row = blockIdx.x;
  const float* scores = op.scores.row(row);
  const std::int32_t *excluded = nullptr, *excluded_end = nullptr;
  if (op.excluded.row_offsets) {
    excluded = op.excluded.columns.raw() + op.excluded.row_offsets[op.first_row + row];
    excluded_end = op.excluded.columns.raw() + op.excluded.row_offsets[op.first_row + row + 1];
  }
  const auto k = static_cast<unsigned>(op.k);
  float cutoff = op.threshold;
  if (threadIdx.x == 0) length[0] = 0;
  __syncthreads();
  for (std::int64_t first = 0; first < op.n_columns && k > 0; first += kRun) {
    float run[kLoads];
#pragma unroll
    for (unsigned i = 0; i < kLoads; ++i) {
      const std::int64_t c = first + i * kThreads + threadIdx.x;
      run[i] = c < op.n_columns ? scores[c] : -std::numeric_limits<float>::infinity();
    }
    const unsigned n = length[0];
    __syncthreads();  // before anybody makes it longer
    if (n + kRun > capacity) {
      sort_list(keys, n);
      cutoff = scores[column_of_key(keys[k - 1])];
      if (threadIdx.x == 0) length[0] = k;
      __syncthreads();
    }
#pragma unroll
    for (unsigned i = 0; i < kLoads; ++i) {
      const auto c = static_cast<std::int32_t>(first + i * kThreads + threadIdx.x);
      if (run[i] > cutoff && !contains(excluded, excluded_end, c)) {
        keys[atomicAdd(length, 1U)] = ranking_key(run[i], c);
      }
    }
    __syncthreads();
  }
  const unsigned found = length[0];
  sort_list(keys, found);
  const unsigned n = found < k ? found : k;
  for (unsigned i = threadIdx.x; i < k; i += kThreads) {
    const std::int32_t column = i < n ? column_of_key(keys[i]) : -1;
    op.columns[row * op.k + i] = column;
    op.values[row * op.k + i] = i < n ? scores[column] : -std::numeric_limits<float>::infinity();
  }
  if (threadIdx.x == 0) op.counts[row] = static_cast<std::int32_t>(n);
}

__global__ void __launch_bounds__(kThreads) select_top_in_shared(SelectTop op) {
  SHARED_ARRAY(std::uint64_t, keys, [kSharedKeys]);
  select_row(op, keys, kSharedKeys);
}

__global__ void __launch_bounds__(kThreads) select_top_in_scratch(SelectTop op, unsigned capacity) {
  select_row(op, op.scratch.raw() + std::int64_t{blockIdx.x} * capacity, capacity);
}

// Sums of squares. A double a thread, every kThreads-th score, the block's by a fixed tree. Bytes:
// 4 a score.
__global__ void __launch_bounds__(kThreads) score_sums(ScoreSums op) {
  const float* scores = op.scores.row(blockIdx.x);
  double squares = 0;
  int n_above = 0;
#pragma unroll 8
  for (std::int64_t c = threadIdx.x; c < op.n_columns; c += kThreads) {
    const float score = scores[c];
    squares += static_cast<double>(score) * score;
    n_above += score > op.threshold ? 1 : 0;
  }
  squares = block_sum<kThreads>(squares);
  n_above = block_sum<kThreads>(n_above);
  if (threadIdx.x == 0) {
    op.squares[blockIdx.x] = squares;
    op.n_above[blockIdx.x] = n_above;
  }
}

// A thread a cell of the row, kPickThreads at a time. Bytes: 8 a cell, and the line of its score.
constexpr unsigned kPickThreads = 128;

__global__ void __launch_bounds__(kPickThreads) pick_cells(PickCells op) {
  const std::int64_t* offsets = op.cells.row_offsets.raw() + op.first_row;
  const float* scores = op.scores.row(blockIdx.x);
  const std::int64_t end = offsets[std::int64_t{blockIdx.x} + 1];
  for (std::int64_t e = offsets[blockIdx.x] + threadIdx.x; e < end; e += kPickThreads) {
    op.values[e - offsets[0]] = scores[op.cells.columns[e]];
  }
}

}  // namespace

void launch_select_top(const SelectTop& op, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(op.n_rows);
  const std::int64_t capacity = select_top_keys(op.k);
  if (capacity == kSharedKeys) {
    launch(select_top_in_shared, {blocks, kThreads, 0, stream}, op);
  } else {
    launch(select_top_in_scratch, {blocks, kThreads, 0, stream}, op,
           static_cast<unsigned>(capacity));
  }
}

void launch_score_sums(const ScoreSums& op, cudaStream_t stream) {
  launch(score_sums, {static_cast<unsigned>(op.n_rows), kThreads, 0, stream}, op);
}

void launch_pick_cells(const PickCells& op, cudaStream_t stream) {
  launch(pick_cells, {static_cast<unsigned>(op.n_rows), kPickThreads, 0, stream}, op);
}

}  // namespace hourglass::cuda
