// The columns of an epoch's batches (TransposeBatches in hourglass/ops/batch.h).
//
// Entries are numbered through all batches, batch by batch in batch order; an entry's key is
// (batch, column). One stable radix sort of (key, number) brings every batch's entries into the
// order of its columns, and of its rows within a column. What remains is to find where columns
// begin: a thread an entry says whether it is its column's first ("head"), and the heads are
// counted through in chunks: each chunk's, the chunks before it, and then every head's place.
// Integers all: any order of blocks gives the same numbers.
//
// Bytes an entry: 12 read and 20 written to list it, 12 to 24 a pass of the sort (one pass for 8
// bits of (batch, column)), 24 read and 24 written behind it. Once an epoch.
#include <bit>
#include <utility>

#include "hourglass/core/error.h"
#include "kernels/kernels.h"
#include "kernels/launch.cuh"
#include "kernels/sort.h"

namespace hourglass::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kChunk = 4096;  ///< entries of a chunk of heads

/// What the kernels share of the operation's scratch.
template <class Key>
struct Lists {
  TransposeBatches op;
  int column_bits;             ///< of a key; the batch is above them
  SortedPairs<Key> pairs;      ///< [n_entries] (key, number of the entry)
  std::int32_t* row_of;        ///< [n_entries] an entry's row in its batch
  std::int64_t* heads_before;  ///< [n_chunks + 1] heads in the chunks before
  std::int64_t* first_head;    ///< [n_batches] heads before the batch
  std::int64_t* n_heads;       ///< [n_batches] of the batch
  std::int64_t n_chunks;

  __device__ MutableBatchColumns columns(std::int64_t k) const {
    return columns_of_batch(op.columns, k, op.batch_size, op.entries_before[k]);
  }
  __device__ std::int64_t rows_of(std::int64_t k) const {
    const std::int64_t left = op.n_rows - k * op.batch_size;
    return left < op.batch_size ? left : op.batch_size;
  }
  __device__ std::int64_t batch_of(std::int64_t sorted) const {
    return static_cast<std::int64_t>(pairs.keys[sorted] >> column_bits);
  }
  __device__ bool is_head(std::int64_t sorted) const {
    return sorted == 0 || pairs.keys[sorted] != pairs.keys[sorted - 1];
  }
};

/// The sum of the values of the block's threads before this one, and of all of them.
__device__ std::int64_t scan_block(std::int64_t value, std::int64_t& total) {
  SHARED_ARRAY(std::int64_t, sums, [kThreads]);
  const unsigned t = threadIdx.x;
  sums[t] = value;
  __syncthreads();
  for (unsigned distance = 1; distance < kThreads; distance *= 2) {
    const std::int64_t before = t >= distance ? sums[t - distance] : 0;
    __syncthreads();
    sums[t] += before;
    __syncthreads();
  }
  const std::int64_t up_to_here = sums[t];
  total = sums[kThreads - 1];
  __syncthreads();  // the array is the next call's
  return up_to_here - value;
}

/// A block a batch: where its rows begin.
template <class Key>
__global__ void __launch_bounds__(kThreads) begin_rows(Lists<Key> lists) {
  const TransposeBatches& op = lists.op;
  const std::int64_t k = blockIdx.x;
  const std::int64_t n = lists.rows_of(k);
  const MutableBatchColumns out = lists.columns(k);
  std::int64_t before = 0;
  for (std::int64_t first = 0; first < n; first += kThreads) {
    const std::int64_t b = first + threadIdx.x;
    std::int64_t length = 0, total = 0;
    if (b < n) {
      const std::int32_t row = op.rows[k * op.batch_size + b];
      length = op.ratings.row_offsets[row + 1] - op.ratings.row_offsets[row];
    }
    const std::int64_t begin = before + scan_block(length, total);
    if (b < n) out.row_begin[b] = begin;
    before += total;
  }
  if (threadIdx.x == 0) out.row_begin[n] = before;
}

/// A warp a row: its entries, unsorted, and its entry of the bias column.
template <class Key>
__global__ void __launch_bounds__(kThreads) list_entries(Lists<Key> lists) {
  const TransposeBatches& op = lists.op;
  const std::int64_t r = (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (r >= op.n_rows) return;
  const std::int64_t lane = threadIdx.x % kWarp, k = r / op.batch_size, b = r % op.batch_size;
  const MutableBatchColumns out = lists.columns(k);
  const std::int32_t row = op.rows[r];
  const std::int64_t first = op.ratings.row_offsets[row];
  const std::int64_t length = op.ratings.row_offsets[row + 1] - first;
  const std::int64_t place = out.row_begin[b], number = op.entries_before[k] + place;
  for (std::int64_t i = lane; i < length; i += kWarp) {
    out.values[place + i] = op.ratings.values[first + i];
    lists.pairs.keys[number + i] =
        static_cast<Key>(k) << lists.column_bits | static_cast<Key>(op.ratings.columns[first + i]);
    lists.pairs.values[number + i] = static_cast<std::uint32_t>(number + i);
    lists.row_of[number + i] = static_cast<std::int32_t>(b);
  }
  if (lane == 0) {
    const std::int64_t bias = op.entries_before[k + 1] - op.entries_before[k] + b;
    out.values[bias] = 1;
    out.entry_row[bias] = static_cast<std::int32_t>(b);
    out.entry_index[bias] = bias;
  }
}

/// A block a chunk.
template <class Key>
__global__ void __launch_bounds__(kThreads) count_heads(Lists<Key> lists) {
  const std::int64_t begin = blockIdx.x * kChunk;
  const std::int64_t end =
      begin + kChunk < lists.op.n_entries ? begin + kChunk : lists.op.n_entries;
  int n = 0;
  for (std::int64_t p = begin + threadIdx.x; p < end; p += kThreads) n += lists.is_head(p);
  n = block_sum<kThreads>(n);
  if (threadIdx.x == 0) lists.heads_before[blockIdx.x + 1] = n;
}

/// One block: counts become sums of all chunks before.
template <class Key>
__global__ void __launch_bounds__(kThreads) sum_heads(Lists<Key> lists) {
  std::int64_t before = 0;
  if (threadIdx.x == 0) lists.heads_before[0] = 0;
  for (std::int64_t first = 0; first < lists.n_chunks; first += kThreads) {
    const std::int64_t chunk = first + threadIdx.x;
    std::int64_t total = 0;
    const std::int64_t n = chunk < lists.n_chunks ? lists.heads_before[chunk + 1] : 0;
    const std::int64_t sum = before + scan_block(n, total) + n;
    if (chunk < lists.n_chunks) lists.heads_before[chunk + 1] = sum;
    before += total;
  }
}

/// A block a chunk: how many heads come before each batch, and how many it has.
template <class Key>
__global__ void __launch_bounds__(kThreads) count_columns(Lists<Key> lists) {
  const TransposeBatches& op = lists.op;
  const std::int64_t begin = blockIdx.x * kChunk;
  std::int64_t before = lists.heads_before[blockIdx.x];
  for (std::int64_t first = begin; first < begin + kChunk; first += kThreads) {
    const std::int64_t p = first + threadIdx.x;
    std::int64_t total = 0;
    const bool inside = p < op.n_entries;
    const std::int64_t head = inside && lists.is_head(p) ? 1 : 0;
    const std::int64_t heads = before + scan_block(head, total);
    if (inside && p == op.entries_before[lists.batch_of(p)]) {
      lists.first_head[lists.batch_of(p)] = heads;
    }
    before += total;
  }
}

/// A block a chunk: every entry's place, and every column's beginning.
template <class Key>
__global__ void __launch_bounds__(kThreads) place_entries(Lists<Key> lists) {
  const TransposeBatches& op = lists.op;
  const std::int64_t begin = blockIdx.x * kChunk;
  std::int64_t before = lists.heads_before[blockIdx.x];
  for (std::int64_t first = begin; first < begin + kChunk; first += kThreads) {
    const std::int64_t p = first + threadIdx.x;
    std::int64_t total = 0;
    const bool inside = p < op.n_entries;
    const bool head = inside && lists.is_head(p);
    const std::int64_t heads = before + scan_block(head ? 1 : 0, total);
    before += total;
    if (!inside) continue;
    const std::int64_t k = lists.batch_of(p), base = op.entries_before[k];
    const MutableBatchColumns out = lists.columns(k);
    const std::int64_t number = lists.pairs.values[p];
    out.entry_row[p - base] = lists.row_of[number];
    out.entry_index[p - base] = number - base;
    if (head) {
      const std::int64_t i = heads - lists.first_head[k];
      const Key column = lists.pairs.keys[p] & ((Key{1} << lists.column_bits) - 1);
      out.ids[i] = static_cast<std::int32_t>(column);
      out.begin[i] = p - base;
    }
    if (p + 1 == op.entries_before[k + 1]) {
      lists.n_heads[k] = heads + (head ? 1 : 0) - lists.first_head[k];
    }
  }
}

/// A thread a batch: the bias column behind the others.
template <class Key>
__global__ void __launch_bounds__(kThreads) add_bias_columns(Lists<Key> lists) {
  const TransposeBatches& op = lists.op;
  const std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= op.n_batches()) return;
  const MutableBatchColumns out = lists.columns(k);
  const std::int64_t entries = op.entries_before[k + 1] - op.entries_before[k];
  const std::int64_t n = entries > 0 ? lists.n_heads[k] : 0;
  out.ids[n] = static_cast<std::int32_t>(op.ratings.n_columns);
  out.begin[n] = entries;
  out.begin[n + 1] = entries + lists.rows_of(k);
  out.n_columns[0] = static_cast<std::int32_t>(n);
  out.n_columns[1] = static_cast<std::int32_t>(n + 1);
}

template <class Key>
void transpose(const TransposeBatches& op, int column_bits, int bits, cudaStream_t stream) {
  const std::int64_t n = op.n_entries;
  Lists<Key> lists = {};
  lists.op = op;
  lists.column_bits = column_bits;
  lists.n_chunks = (n + kChunk - 1) / kChunk;
  // Of 4 n + 2^17 words: at most 3.5 n of 8 bytes here, and the rest, over 1 MiB less what chunks
  // and batches take, is the sort's.
  std::int64_t* word = op.scratch.raw();
  const auto take = [&word, n]<class T>(T*& array, std::int64_t size) {
    array = reinterpret_cast<T*>(word);
    word += (size * static_cast<std::int64_t>(sizeof(T)) + 7) / 8;
  };
  take(lists.pairs.keys, n);
  take(lists.pairs.other_keys, n);
  take(lists.pairs.values, n);
  take(lists.pairs.other_values, n);
  take(lists.row_of, n);
  take(lists.heads_before, lists.n_chunks + 1);
  take(lists.first_head, op.n_batches());
  take(lists.n_heads, op.n_batches());
  const std::int64_t left = op.scratch.raw() + transpose_scratch(n) - word;
  if (left < (std::int64_t{1} << 16)) throw Error("CUDA: there are too many batches in an epoch");

  const LaunchShape batches = {static_cast<unsigned>(op.n_batches()), kThreads, 0, stream};
  const LaunchShape chunks = {static_cast<unsigned>(lists.n_chunks), kThreads, 0, stream};
  launch(begin_rows<Key>, batches, lists);
  launch(list_entries<Key>, {blocks_of(op.n_rows, kThreads / kWarp), kThreads, 0, stream}, lists);
  if (n > 0) {
    sort_pairs(lists.pairs, n, bits, word, static_cast<std::size_t>(left) * 8, stream);
    launch(count_heads<Key>, chunks, lists);
    launch(sum_heads<Key>, {1, kThreads, 0, stream}, lists);
    launch(count_columns<Key>, chunks, lists);
    launch(place_entries<Key>, chunks, lists);
  }
  launch(add_bias_columns<Key>, {blocks_of(op.n_batches(), kThreads), kThreads, 0, stream}, lists);
}

}  // namespace

void launch_transpose_batches(const TransposeBatches& op, cudaStream_t stream) {
  if (op.n_entries > std::int64_t{0xFFFFFFFF}) {
    throw Error("CUDA: an epoch has over 2^32 ratings");
  }
  const int column_bits = std::bit_width(static_cast<std::uint64_t>(op.ratings.n_columns));
  const int bits = column_bits + std::bit_width(static_cast<std::uint64_t>(op.n_batches() - 1));
  if (bits <= 32) {
    transpose<std::uint32_t>(op, column_bits, bits, stream);
  } else {
    transpose<std::uint64_t>(op, column_bits, bits, stream);
  }
}

}  // namespace hourglass::cuda
