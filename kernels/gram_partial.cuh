#pragma once

#include "hourglass/ops/output.h"
#include "kernels/quads.cuh"

namespace hourglass::cuda {

// One segment's share of S = Wa^T Wa, in the registers of a block of kGramThreads threads, for
// widths up to kMaxNarrowWidth. S is symmetric: the upper triangle is computed, in quads.
//
// Its units are cut into at most 16 runs of kEdge = 4 kQuads. Of the tiles (run, run) on and above
// the diagonal there are up to 136: a thread takes one, the 120 off the diagonal first. The eight
// that may be left over, all on the diagonal, and the lone unit's row (kernels/quads.cuh) are cut
// into strips of (unit, quad), at most 96 and 32, and a thread takes one of those as well. That is
// kEdge^2 + 5 multiply-adds a column and thread, of which 95 % are needed at width 129.
//
// Every element is one chain of fmaf over the segment's columns, in their order, so that neither
// this cut nor the number of columns that come at a time shows in the bits.
inline constexpr unsigned kGramThreads = 128;
inline constexpr std::int64_t kMaxNarrowWidth = 129;

template <int kQuads>
class GramPartial {
 public:
  static constexpr int kEdge = 4 * kQuads;

  /// All threads of the block call.
  __device__ explicit GramPartial(const Units& units) : units_(units) {
    const int thread = static_cast<int>(threadIdx.x);
    const int n_runs = (units.quads + kQuads - 1) / kQuads;
    const int off_diagonal = n_runs * (n_runs - 1) / 2;
    const int n_tiles = off_diagonal + n_runs;
    has_tile_ = thread < n_tiles;
    if (thread < off_diagonal) {
      int before = 0;
      while (thread >= before + n_runs - 1 - run_) before += n_runs - 1 - run_++;
      other_run_ = run_ + 1 + thread - before;
    } else if (has_tile_) {
      run_ = other_run_ = thread - off_diagonal;
    }

    constexpr int kThreads = static_cast<int>(kGramThreads);
    constexpr int kStripsOfTile = kEdge + 4 * (kQuads - 1);
    const int left_over = n_tiles > kThreads ? n_tiles - kThreads : 0;
    const int of_lone = thread - left_over * kStripsOfTile;
    if (of_lone < 0) {
      // A tile's last quad for all its units, its first for the first four.
      const int run = n_runs - left_over + thread / kStripsOfTile;
      const int place = thread % kStripsOfTile;
      const bool last_quad = place < kEdge;
      strip_unit_ = run * kEdge + (last_quad ? place : place - kEdge);
      strip_quad_ = run * kQuads + (last_quad ? kQuads - 1 : 0);
      has_strip_ = strip_unit_ < units.in_quads() && strip_quad_ < units.quads;
    } else if (units.lone) {
      strip_unit_ = units.width - 1;
      has_strip_ = of_lone < units.quads;
      strip_quad_ = has_strip_ ? of_lone : 0;
      has_lone_ = of_lone == 0;
    }
  }

  /// Adds the outer products of n rows, which lie in shared memory units.stride() apart.
  __device__ void add(const float* rows, int n) {
    const int stride = units_.stride();
    const int left = run_ * kEdge;
    int right[kQuads];
#pragma unroll
    for (int x = 0; x < kQuads; ++x) right[x] = 4 * quad(x);
#pragma unroll 2
    for (int j = 0; j < n; ++j) {
      const float* row = rows + j * stride;
      float a[kEdge], b[kEdge], of_strip[4];
#pragma unroll
      for (int x = 0; x < kQuads; ++x) {
        load_quad(a + 4 * x, row + left + 4 * x);
        load_quad(b + 4 * x, row + right[x]);
      }
      load_quad(of_strip, row + 4 * strip_quad_);
      const float unit = row[strip_unit_];
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
  __device__ void store(Matrix<float> partial) const {
    if (has_tile_) {
#pragma unroll
      for (int i = 0; i < kEdge; ++i) {
        const int unit = run_ * kEdge + i;
        if (unit >= units_.in_quads()) break;
#pragma unroll
        for (int x = 0; x < kQuads; ++x) {
          if (quad(x) < units_.quads) store_quad(partial.row(unit) + 4 * quad(x), &tile_[i][4 * x]);
        }
      }
    }
    if (has_strip_) store_quad(partial.row(strip_unit_) + 4 * strip_quad_, strip_);
    if (has_lone_) partial.row(units_.width - 1)[units_.width - 1] = lone_;
  }

 private:
  /// The quad of columns 4 x .. of the tile. Threads of neighbouring tiles read a quarter of a warp
  /// at a time; two quads of each would hit the same banks twice, if four of them did not read them
  /// the other way round.
  __device__ int quad(int x) const {
    const int flip = kQuads == 2 ? other_run_ >> 2 & 1 : 0;
    return other_run_ * kQuads + (x ^ flip);
  }

  Units units_;
  int run_ = 0, other_run_ = 0;
  int strip_unit_ = 0, strip_quad_ = 0;
  bool has_tile_ = false, has_strip_ = false, has_lone_ = false;
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
