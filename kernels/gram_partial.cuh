#pragma once

#include "hourglass/ops/output.h"
#include "kernels/quads.cuh"
#include "kernels/units.cuh"

namespace hourglass::cuda {

// One segment's share of S = Wa^T Wa, in the registers of a block of kGramThreads threads, for
// widths up to kMaxNarrowWidth. S is symmetric: the upper triangle is computed, in quads.
//
// Its units are cut into at most 16 runs of kEdge = 4 kQuads. Of the tiles (run, run) on and above
// the diagonal there are up to 136: a thread takes one, the 120 off the diagonal first. The eight
// that may be left over, all on the diagonal, and the lone unit's row (kernels/units.cuh) are cut
// into strips of (unit, quad), at most 96 and 32, and a thread takes one of those as well. That is
// kEdge^2 + 5 multiply-adds a column and thread, of which 95 % are needed at width 129.
//
// Every element is one chain of fmaf over the segment's columns, in their order, so that neither
// this cut nor the number of columns that come at a time shows in the bits.
inline constexpr unsigned kGramThreads = 128;
inline constexpr std::int64_t kMaxNarrowWidth = 129;

/// What a thread has of the partial.
template <int kQuads>
struct GramPlace {
  static constexpr int kEdge = 4 * kQuads;

  int run = 0, other_run = 0;  ///< of its tile
  int strip_unit = 0, strip_quad = 0;
  bool has_tile = false, has_strip = false, has_lone = false;

  __device__ explicit GramPlace(const Units& units) {
    const int thread = static_cast<int>(threadIdx.x);
    const int n_runs = (units.quads + kQuads - 1) / kQuads;
    const int off_diagonal = n_runs * (n_runs - 1) / 2;
    const int n_tiles = off_diagonal + n_runs;
    has_tile = thread < n_tiles;
    if (thread < off_diagonal) {
      int before = 0;
      while (thread >= before + n_runs - 1 - run) before += n_runs - 1 - run++;
      other_run = run + 1 + thread - before;
    } else if (has_tile) {
      run = other_run = thread - off_diagonal;
    }

    constexpr int kThreads = static_cast<int>(kGramThreads);
    constexpr int kStripsOfTile = kEdge + 4 * (kQuads - 1);
    const int left_over = n_tiles > kThreads ? n_tiles - kThreads : 0;
    const int of_lone = thread - left_over * kStripsOfTile;
    if (of_lone < 0) {
      // A tile's last quad for all its units, its first for the first four.
      const int left_run = n_runs - left_over + thread / kStripsOfTile;
      const int place = thread % kStripsOfTile;
      const bool last_quad = place < kEdge;
      strip_unit = left_run * kEdge + (last_quad ? place : place - kEdge);
      strip_quad = left_run * kQuads + (last_quad ? kQuads - 1 : 0);
      has_strip = strip_unit < units.in_quads() && strip_quad < units.quads;
    } else if (units.lone) {
      strip_unit = units.width - 1;
      has_strip = of_lone < units.quads;
      strip_quad = has_strip ? of_lone : 0;
      has_lone = of_lone == 0;
    }
  }

  /// The quad of columns 4 x .. of the tile. Threads of neighbouring tiles read a quarter of a warp
  /// at a time; two quads of each would hit the same banks twice, if four of them did not read them
  /// the other way round.
  __device__ int quad(int x) const {
    const int flip = kQuads == 2 ? other_run >> 2 & 1 : 0;
    return other_run * kQuads + (x ^ flip);
  }
};

/// All threads of the block call. Their places are worked out again at every call: registers are
/// dearer.
template <int kQuads>
class GramPartial {
 public:
  /// Adds the outer products of n rows, which lie in shared memory units.stride() apart.
  __device__ void add(const Units& units, const float* rows, int n) {
    const GramPlace<kQuads> place(units);
    const int stride = units.stride();
    const float* left = rows + place.run * kEdge;
    const float* right[kQuads];
#pragma unroll
    for (int x = 0; x < kQuads; ++x) right[x] = rows + 4 * place.quad(x);
    const float* strip_unit = rows + place.strip_unit;
    const float* strip_quad = rows + 4 * place.strip_quad;
#pragma unroll 2
    for (int j = 0; j < n * stride; j += stride) {
      float a[kEdge], b[kEdge], of_strip[4];
#pragma unroll
      for (int x = 0; x < kQuads; ++x) {
        load_quad(a + 4 * x, left + j + 4 * x);
        load_quad(b + 4 * x, right[x] + j);
      }
      load_quad(of_strip, strip_quad + j);
      const float unit = strip_unit[j];
#pragma unroll
      for (int i = 0; i < kEdge; ++i) {
#pragma unroll
        for (int k = 0; k < kEdge; ++k) tile_[i][k] = fmaf(a[i], b[k], tile_[i][k]);
      }
#pragma unroll
      for (int k = 0; k < 4; ++k) strip_[k] = fmaf(unit, of_strip[k], strip_[k]);
      lone_ = fmaf(unit, unit, lone_);
    }
  }

  /// Writes to `partial`: for a unit in quads the quads from its own on, for the lone one its row.
  __device__ void store(const Units& units, Matrix<float> partial) const {
    const GramPlace<kQuads> place(units);
    if (place.has_tile) {
#pragma unroll
      for (int i = 0; i < kEdge; ++i) {
        const int unit = place.run * kEdge + i;
        if (unit >= units.in_quads()) break;
#pragma unroll
        for (int x = 0; x < kQuads; ++x) {
          const int q = place.quad(x);
          if (q < units.quads) store_quad(partial.row(unit) + 4 * q, &tile_[i][4 * x]);
        }
      }
    }
    if (place.has_strip) {
      store_quad(partial.row(place.strip_unit) + 4 * place.strip_quad, strip_);
    }
    if (place.has_lone) partial.row(units.width - 1)[units.width - 1] = lone_;
  }

 private:
  static constexpr int kEdge = GramPlace<kQuads>::kEdge;

  float tile_[kEdge][kEdge] = {};
  float strip_[4] = {};
  float lone_ = 0;
};

/// Segment s's partial in the operation's scratch.
__device__ inline Matrix<float> partial_of(Ptr<float> scratch, std::int64_t width,
                                           std::int64_t segment) {
  return {scratch + segment * width * padded(width), padded(width)};
}

}  // namespace hourglass::cuda
