#pragma once

#include "kernels/adam_quad.cuh"
#include "kernels/column_ratings.cuh"
#include "kernels/gram_partial.cuh"
#include "kernels/row_product.cuh"

namespace hourglass::cuda {

inline constexpr unsigned kGramWarps = kGramThreads / kWarp;

struct NarrowUpdate {
  OutputGramUpdate op;
  float scale;  ///< 2 / (batch n_columns)
  int slice;    ///< rows of G in shared memory at a time, a multiple of kSliceStep
};

/// Floats of a block's shared memory: a tile's rows, G's last row, a slice of G.
constexpr std::int64_t shared_floats(const Units& units, int tile, int slice) {
  return (tile + 1) * units.stride() + slice * stride_of_slice(units);
}

/// One tile of a block: what its warps do apart, between the block's meetings. Product is one of
/// row_product.cuh's.
template <class Product>
class GramUpdateTile {
 public:
  static constexpr int kQuads = Product::kQuads;
  static constexpr int kRowsOfWarp = Product::kRowsOfWarp;
  static constexpr int kRows = kRowsOfWarp / 2;
  static constexpr int kSize = kRowsOfWarp * static_cast<int>(kGramWarps);

  __device__ GramUpdateTile(const NarrowUpdate& update, float* shared)
      : update_(update),
        op_(update.op),
        units_(update.op.rows.width),
        rows_(shared),
        last_(rows_ + kSize * units_.stride()),
        slice_(last_ + units_.stride()) {}

  /// What is the same for all tiles. The block meets behind it.
  __device__ void load_last_and_whole() const {
    if (whole()) load_hidden_gram<8>(0, 4 * units_.quads);
    for (int c = static_cast<int>(threadIdx.x); c < units_.stride(); c += kGramThreads) {
      last_[c] = c < units_.width ? op_.hidden_gram.row(lone())[c] : 0;
    }
  }

  /// The warp's rows of the tile's n, whose first is column `first`.
  __device__ void load(std::int64_t first, int n) const {
    const std::int64_t j = first + warp_row();
    const int n_rows = rows_of_warp(n);
    load_rows<kRowsOfWarp>(rows_ + warp_row() * units_.stride(), op_.rows.weight, units_, j,
                           n_rows);
    prefetch_rows(op_.rows.first_moment, j, n_rows);
    prefetch_rows(op_.rows.second_moment, j, n_rows);
    warp_barrier();
  }
  __device__ void prefetch(std::int64_t first, int n) const {
    prefetch_rows(op_.rows.weight, first + warp_row(), rows_of_warp(n));
  }

  /// The warp's rows of Wa become those of Wa G. Where G comes in slices, the block meets.
  __device__ void multiply_by_hidden_gram(int n) const {
    float* const rows = rows_ + warp_row() * units_.stride();
    const float* const lone_row = half_rows() + lane() % kRows * 2 * units_.stride();
    Product product(rows, units_);
    float lone_sum = 0;
    for (int k = 0; k < 4 * units_.quads; k += update_.slice) {
      const int left = 4 * units_.quads - k;
      const int n_k = left < update_.slice ? left : update_.slice;
      if (!whole()) {
        __syncthreads();
        load_hidden_gram<4>(k, n_k);  // more at once would cost registers that the sums have
        __syncthreads();
      }
      if (rows_of_warp(n) <= 0) continue;
      product.add(k, slice_, n_k, [&](int of_k) {
        float a[2], b[2];
        load_pair(a, lone_row + k + of_k);
        load_pair(b, last_ + k + of_k);
#pragma unroll
        for (int e = 0; e < 2; ++e) lone_sum = fmaf(a[e], b[e], lone_sum);
      });
    }
    if (units_.lone) {
      product.add_lone(last_);
      lone_sum = fmaf(lone_row[lone()], last_[lone()], lone_sum);
    }
    warp_barrier();  // all of the warp have read the rows
    product.replace_rows();
    if (lane() < kRows) pad_of_row(lane())[0] = lone_sum;
    warp_barrier();
  }

  /// The ratings and Adam's step, and the new rows in place of Wa G. `next`: a place in the batch's
  /// columns, none of the tile's before it. Returns the one for the next tile.
  __device__ std::int32_t step(std::int64_t first, int n, std::int32_t next) const {
    const std::int64_t j = first + warp_row() + half();  // and every second one from there
    const int n_rows = rows_of_warp(n) - half();
    const AdamScalars scalars = op_.adam.at(op_.step);
    // A lane finds the ratings of the half's row of its number; the last, the next tile's place.
    const std::int32_t n_ids = op_.columns.n_columns[0];
    const std::int32_t end = next + kSize < n_ids ? next + kSize : n_ids;
    const bool has_row = lane() < kRows && 2 * lane() < n_rows;
    const std::int64_t column = has_row ? j + 2 * lane() : first + kSize;
    const std::int32_t place = find_column(op_.columns.ids, next, end, column);
    ColumnRatings ratings;
    if (has_row) ratings = ColumnRatings::at(op_.columns, n_ids, place, column);
    // A row's first entries come while the row before takes its step.
    RowRatings of_row = ratings_of_row(ratings, 0);
#pragma unroll 1
    for (int r = 0; r < kRows; ++r) {
      const RowRatings of_next = ratings_of_row(ratings, r + 1 < kRows ? r + 1 : r);
      step_row(j + 2 * r, r, 2 * r < n_rows, of_row, scalars);
      of_row = of_next;
    }
    warp_barrier();
    if (units_.lone && has_row) {
      adam_step_at(op_.rows, op_.adam, scalars, column, lone(),
                   update_.scale * pad_of_row(lane())[1]);
      pad_of_row(lane())[0] = op_.rows.weight.row(column)[lone()];
    }
    return warp_read(place, kWarp - 1);
  }

  __device__ const Units& units() const { return units_; }
  __device__ const float* rows() const { return rows_; }

 private:
  /// Rows first .. first + n of G into the slice, without the lone unit; zeros where that fills up
  /// rows or units to a multiple of kSliceStep.
  template <int kAtOnce>
  __device__ void load_hidden_gram(int first, int n) const {
    const int q = static_cast<int>(threadIdx.x % kWarp);
    if (q >= (units_.quads + 1) / 2 * 2) return;
    const int n_rows = (n + kSliceStep - 1) / kSliceStep * kSliceStep;
#pragma unroll(kAtOnce)
    for (int k = static_cast<int>(threadIdx.x / kWarp); k < n_rows; k += kGramWarps) {
      float quad[4] = {};
      if (first + k < units_.in_quads() && q < units_.quads) {
        load_quad(quad, op_.hidden_gram.row(first + k) + 4 * q);
      }
      if constexpr (Product::kTensorCores) {
#pragma unroll
        for (float& g : quad) g = to_tf32(g);
      }
      store_quad(slice_ + k * stride_of_slice(units_) + 4 * q, quad);
    }
  }

  /// The warp's kN rows of Wa, from column j on, of which n are the segment's; zeros for the
  /// others.
  template <int kN>
  static __device__ void load_rows(float* to, const Matrix<float>& weight, const Units& units,
                                   std::int64_t j, int n) {
    constexpr int kAtOnce = kN < 8 ? kN : 8;
    const int lane = static_cast<int>(threadIdx.x % kWarp);
    for (int first = 0; first < kN; first += kAtOnce) {
      float quad[kAtOnce][4] = {};
#pragma unroll
      for (int r = 0; r < kAtOnce; ++r) {
        if (lane < units.quads && first + r < n) {
          load_quad(quad[r], weight.row(j + first + r) + 4 * lane);
        }
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
  static __device__ void prefetch_rows(const Matrix<float>& matrix, std::int64_t j, int n) {
    constexpr int kLine = 32;  ///< floats
    const float* const begin = matrix.row(j);
    const std::int64_t floats = n * matrix.stride;
    for (std::int64_t i = threadIdx.x % kWarp * kLine; i < floats; i += kWarp * kLine) {
      prefetch_to_l2(begin + i);
    }
  }

  /// Within half a warp, which has every second of the warp's rows.
  static __device__ int lane() { return static_cast<int>(threadIdx.x % kHalfWarp); }
  static __device__ int half() { return static_cast<int>(threadIdx.x % kWarp / kHalfWarp); }
  static __device__ int warp_row() { return static_cast<int>(threadIdx.x / kWarp) * kRowsOfWarp; }
  /// Of the tile's n; none if not positive.
  static __device__ int rows_of_warp(int n) {
    return n - warp_row() < kRowsOfWarp ? n - warp_row() : kRowsOfWarp;
  }
  __device__ float* half_rows() const { return rows_ + (warp_row() + half()) * units_.stride(); }
  /// The quad behind the half's row r: in [0] the lone unit.
  __device__ float* pad_of_row(int r) const {
    return half_rows() + 2 * r * units_.stride() + 4 * units_.quads;
  }

  static __device__ int quad(int i) { return lane() + kHalfWarp * i; }
  __device__ bool has(int i) const { return quad(i) < units_.quads; }

  __device__ bool whole() const { return update_.slice >= 4 * units_.quads; }
  __device__ int lone() const { return units_.width - 1; }

  /// Entries of a row, one a lane of its half; what is beyond the last has a rating of zero.
  struct Entries {
    std::int32_t batch_row;
    float rating;
  };
  __device__ Entries load_entries(std::int64_t first, int count) const {
    if (lane() >= count) return {0, 0};
    const BatchColumns& columns = op_.columns;
    return {columns.entry_row[first + lane()], columns.values[columns.entry_index[first + lane()]]};
  }

  /// The ratings of the half's row.
  struct RowRatings {
    std::int64_t first;
    int count, count_of_both;  ///< the larger one of the two halves
    Entries entries;           ///< the first ones
  };
  /// Row r's; all lanes call, with those of the row of their number.
  __device__ RowRatings ratings_of_row(const ColumnRatings& ratings, int r) const {
    RowRatings of_row;
    of_row.first = warp_read(ratings.first, half() * kHalfWarp + r);
    of_row.count = warp_read(ratings.count, half() * kHalfWarp + r);
    const int other = warp_read(ratings.count, (1 - half()) * kHalfWarp + r);
    of_row.count_of_both = of_row.count > other ? of_row.count : other;
    of_row.entries = load_entries(of_row.first, of_row.count);
    return of_row;
  }

  /// The half's row r, which is column j, if it has one; all lanes of the warp call, since
  /// they hand each other the entries. Leaves the lone unit's gradient in [1] of the row's pad.
  __device__ void step_row(std::int64_t j, int r, bool has_row, const RowRatings& ratings,
                           const AdamScalars& scalars) const {
    constexpr int kAtOnce = 4;
    float* const row = half_rows() + 2 * r * units_.stride();
    float gradient[4 * kQuads] = {};
    AdamQuad parameters[kQuads];
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      if (!has_row || !has(i)) continue;
      load_quad(gradient + 4 * i, row + 4 * quad(i));
      parameters[i].load(op_.rows, j, quad(i));
    }
    float of_lone = pad_of_row(r)[0];
    for (int from = 0; from < ratings.count_of_both; from += kHalfWarp) {
      const int left = ratings.count - from;
      const Entries entries =
          from == 0 ? ratings.entries : load_entries(ratings.first + from, left);
      const int n =
          ratings.count_of_both - from < kHalfWarp ? ratings.count_of_both - from : kHalfWarp;
      for (int first = 0; first < n; first += kAtOnce) {
        // Where the half has no more entries, -0 is added, which leaves any sum as it is.
        float rating[kAtOnce], hidden[kAtOnce][4 * kQuads] = {}, lone_hidden[kAtOnce] = {};
#pragma unroll
        for (int u = 0; u < kAtOnce; ++u) {
          const auto from_lane = static_cast<unsigned>(half() * kHalfWarp + first + u);
          rating[u] = warp_read(entries.rating, from_lane);
          const float* of_hidden = op_.hidden.row(warp_read(entries.batch_row, from_lane));
          if (first + u >= left) continue;
#pragma unroll
          for (int i = 0; i < kQuads; ++i) {
            if (has(i)) load_quad(hidden[u] + 4 * i, of_hidden + 4 * quad(i));
          }
          lone_hidden[u] = of_hidden[lone()];
        }
#pragma unroll
        for (int u = 0; u < kAtOnce; ++u) {
#pragma unroll
          for (int c = 0; c < 4 * kQuads; ++c) {
            gradient[c] = fmaf(-rating[u], hidden[u][c], gradient[c]);
          }
          of_lone = fmaf(-rating[u], lone_hidden[u], of_lone);
        }
      }
    }
    if (!has_row) return;
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      if (!has(i)) continue;
      parameters[i].step(op_.adam, scalars, update_.scale, gradient + 4 * i);
      parameters[i].store(op_.rows, j, quad(i));
      store_quad(row + 4 * quad(i), parameters[i].w);
    }
    // [0] the half's other lanes may still be reading.
    if (lane() == 0) pad_of_row(r)[1] = of_lone;
  }

  const NarrowUpdate& update_;
  const OutputGramUpdate& op_;
  Units units_;
  float *rows_, *last_, *slice_;
};

}  // namespace hourglass::cuda
