#pragma once

#include "kernels/tile_product.cuh"
#include "kernels/units.cuh"

// A warp's rows of a tile times G, in place: what OutputGramUpdate (gram_update_tile.cuh) does on
// two kinds of units. G's rows come in slices, the last unit's apart where it is a lone one. Both
// classes have a warp's share of the product in its registers:
//   add(k, slice, n, also)   G's rows k .. k + n are in the slice; also(i) runs once every two of
//                            them, i counting from k, for sums that ride along
//   add_lone(last)           G's last row
//   replace_rows()           the product takes the rows' place; all of the warp have read them
namespace hourglass::cuda {

inline constexpr int kHalfWarp = 16;  ///< lanes

/// Floats from row to row of a slice of G: eight more than the quads, which shifts the banks so
/// that TensorProduct's lanes, four rows and eight units at a time, meet in none.
constexpr int stride_of_slice(const Units& units) { return 4 * units.quads + 8; }
/// Rows of a slice come in eights, of which the last may be zeros; so do units, in fours of zeros.
inline constexpr int kSliceStep = 8;

/// By fp32 units: half a warp has every second of 2 kRows rows, a lane of it all of their rows and
/// kQuads quads of units. Every element is one chain of fmaf, over k.
template <int kRows, int kQuadsOfLane>
class FusedProduct {
 public:
  static constexpr int kQuads = kQuadsOfLane;  ///< a lane, for up to 64 kQuads units
  static constexpr bool kTensorCores = false;
  static constexpr int kRowsOfWarp = 2 * kRows;

  __device__ FusedProduct(float* rows, const Units& units)
      : rows_(rows + static_cast<int>(threadIdx.x % kWarp / kHalfWarp) * units.stride()),
        units_(units) {}

  template <class Also>
  __device__ void add(int k, const float* slice, int n, const Also& also) {
    const float* right[kQuads];
#pragma unroll
    for (int x = 0; x < kQuads; ++x) right[x] = slice + 4 * quad_within(x);
    multiply_tiles(sum_, rows_ + k, 2 * units_.stride(), right, stride_of_slice(units_), n / 4,
                   also);
  }
  __device__ void add_lone(const float* last) {
    float b[4 * kQuads];
#pragma unroll
    for (int x = 0; x < kQuads; ++x) load_quad(b + 4 * x, last + 4 * quad_within(x));
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const float a = row(r)[units_.width - 1];
#pragma unroll
      for (int c = 0; c < 4 * kQuads; ++c) sum_[r][c] = fmaf(a, b[c], sum_[r][c]);
    }
  }
  __device__ void replace_rows() const {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int x = 0; x < kQuads; ++x) {
        if (quad(x) < units_.quads) store_quad(row(r) + 4 * quad(x), sum_[r] + 4 * x);
      }
    }
  }

 private:
  static __device__ int quad(int x) {
    return static_cast<int>(threadIdx.x % kHalfWarp) + kHalfWarp * x;
  }
  __device__ int quad_within(int x) const { return quad(x) < units_.quads ? quad(x) : 0; }
  __device__ float* row(int r) const { return rows_ + 2 * r * units_.stride(); }

  float* rows_;
  const Units& units_;
  float sum_[kRows][4 * kQuads] = {};
};

/// By tensor cores, of 16 rows and up to 64 kQuads units: rows and G rounded to TF32 (G by who
/// filled the slice), the lone unit's share in fp32. Error of an element: 2^-10 of its terms'
/// absolute values, and the rounding of their sum.
template <int kQuadsOfLane>
class TensorProduct {
 public:
  static constexpr int kQuads = kQuadsOfLane;
  static constexpr bool kTensorCores = true;
  static constexpr int kRowsOfWarp = 16;

  __device__ TensorProduct(float* rows, const Units& units)
      : rows_(rows + static_cast<int>(threadIdx.x % kWarp / 4) * units.stride()), units_(units) {}

  template <class Also>
  __device__ void add(int k, const float* slice, int n, const Also& also) {
    const int t = static_cast<int>(threadIdx.x % 4);
    const float* const unit = slice + threadIdx.x % kWarp / 4;
    const int stride = stride_of_slice(units_);
#pragma unroll 1
    for (int step = 0; step < n; step += kSliceStep) {
      const float *near = row(0) + k + step + t, *far = row(1) + k + step + t;
      const float left[4] = {to_tf32(near[0]), to_tf32(far[0]), to_tf32(near[4]), to_tf32(far[4])};
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        if (8 * tile < 4 * units_.quads) {
          const float right[2] = {unit[(step + t) * stride + 8 * tile],
                                  unit[(step + t + 4) * stride + 8 * tile]};
          multiply_tf32(sum_[tile], left, right);
        }
      }
#pragma unroll
      for (int i = 0; i < kSliceStep; i += 2) {
        if (step + i < n) also(step + i);
      }
    }
  }
  __device__ void add_lone(const float* last) {
    const float near = row(0)[units_.width - 1], far = row(1)[units_.width - 1];
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      if (!has(tile)) continue;
      float b[2];
      load_pair(b, last + unit(tile));
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        sum_[tile][e] = fmaf(near, b[e], sum_[tile][e]);
        sum_[tile][2 + e] = fmaf(far, b[e], sum_[tile][2 + e]);
      }
    }
  }
  __device__ void replace_rows() const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      if (!has(tile)) continue;
      store_pair(row(0) + unit(tile), sum_[tile]);
      store_pair(row(1) + unit(tile), sum_[tile] + 2);
    }
  }

 private:
  static constexpr int kTiles = 8 * kQuads;  ///< of eight units

  /// Of the lane's two rows.
  __device__ float* row(int of_lane) const { return rows_ + 8 * of_lane * units_.stride(); }
  /// The first of the lane's two units of a tile.
  static __device__ int unit(int tile) { return 8 * tile + static_cast<int>(threadIdx.x % 4) * 2; }
  __device__ bool has(int tile) const { return unit(tile) < 4 * units_.quads; }

  float* rows_;
  const Units& units_;
  float sum_[kTiles][4] = {};
};

}  // namespace hourglass::cuda
