#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "cpu/bf16_product.h"
#include "cpu/candidates.h"
#include "cpu/live_units.h"
#include "cpu/thread_pool.h"
#include "hourglass/ops/batch.h"
#include "hourglass/ops/middle.h"
#include "hourglass/ops/output.h"
#include "hourglass/ops/output_direct.h"
#include "hourglass/ops/ranking.h"
#include "hourglass/ops/sparsity.h"
#include "hourglass/ops/wide.h"

// The pieces that the CPU backend hands to its threads: each is compiled for several instruction
// sets (kernels_*.cc, by Google Highway) and the best one for the processor is chosen at run time.
// A piece's result depends on its own range and the operation alone.
namespace hourglass::cpu {

std::string instruction_set();  ///< the one chosen: "AVX2", ...

/// The right factor of an operation's product rounded and packed, and this thread's scratch for the
/// left one; null: the product is in fp32.
struct Rounded {
  const Bf16Pair* columns = nullptr;
  Bf16Pair* scratch = nullptr;
};

// kernels_wide.cc
void catch_up_rows(const CatchUpRows& op, std::int64_t begin, std::int64_t end);
void gather_rows(const GatherRows& op, std::int64_t begin, std::int64_t end);
void sparse_adam(const SparseAdam& op, std::int64_t begin, std::int64_t end);

// kernels_middle.cc
/// Whether a layer's products are large enough to be rounded by --math bf16.
constexpr bool is_wide(const MiddleLayer& layer) { return layer.in > 256 || layer.out > 256; }
/// ids: scratch [most units of a layer + 1]. rounded: of each wide layer.
void middle_forward(const MiddleForward& op, std::int64_t begin_row, std::int64_t end_row,
                    std::int32_t* ids, const Rounded* rounded);
/// Rows [begin, end) of layer `layer`'s weights, as columns of their transpose [out x padded(in)].
void transpose_weights(const MiddleLayer& layer, std::int64_t begin, std::int64_t end,
                       float* transposed);
void middle_backward(const MiddleBackward& op, std::int64_t begin_row, std::int64_t end_row,
                     std::int32_t* ids, const Rounded* rounded);

/// What a layer's gradient is a product of, the live units' columns side by side.
struct PackedLayer {
  const LiveUnits *in, *out;  ///< of its input, the 1 included, and of its delta
  Matrix<const float> input;  ///< [batch x in->count()]
  Matrix<const float> delta;  ///< [batch x out->count()]
};
/// Live inputs [begin, end) of layer `layer`, and the idle ones behind each: gradient and Adam;
/// with the first live one, all idle ones before it. scratch: [(end - begin) x
/// out->packed_stride()].
void middle_update(const MiddleUpdate& op, int layer, const PackedLayer& packed,
                   const Rounded& rounded, std::int64_t begin, std::int64_t end, float* scratch);

// kernels_sparsity.cc
/// Units [16 begin, 16 end) of the code: gradient, and the penalty of each into unit_penalties.
void sparsity_penalty(const SparsityPenalty& op, std::int64_t begin, std::int64_t end);

// kernels_units.cc
std::int64_t float_lanes();  ///< of one vector
/// The columns of rows [n_rows x width] that are not zero in every row.
void find_live(const Matrix<const float>& rows, std::int64_t n_rows, std::int64_t width,
               LiveUnits& live);
/// Rows [begin, end), of their live units alone. packed: [(end - begin) x stride].
void pack_rows(const LiveUnits& live, const Matrix<const float>& rows, std::int64_t begin,
               std::int64_t end, float* packed, std::int64_t stride);

// kernels_gram.cc
/// Floats of a partial sum: [live x live], rows padded.
inline std::int64_t packed_gram_size(const LiveUnits& live) {
  return live.count() * padded(live.count());
}
/// The partial Wa^T Wa of one segment of columns, live units, upper triangle, into its place in
/// op.scratch. scratch: [kGramBlock x live.packed_stride()].
void gram_segment(const OutputGram& op, const LiveUnits& live, std::int64_t segment,
                  float* scratch);
/// Live units [begin, end) of S, its upper triangle: the sum of `count` partials by a fixed tree.
void reduce_gram(const Matrix<float>& gram, float* partials, std::int64_t count,
                 const LiveUnits& live, std::int64_t begin, std::int64_t end);
/// Rows [begin, end) of G = Ha^T Ha, and <G, S> of each into row_sums[batch + row].
void hidden_gram(const OutputGramLoss& op, std::int64_t begin, std::int64_t end);
/// Batch rows [begin, end): grad_hidden, and |x|^2 - 2 <P, Ha> of each into row_sums[row].
void gram_loss_rows(const OutputGramLoss& op, const LiveUnits& live, std::int64_t begin,
                    std::int64_t end);
/// What a pass over the columns multiplies by, the live units' columns side by side.
struct PackedHidden {
  const LiveUnits* live;
  const float* hidden;  ///< Ha [batch x live.packed_stride()]
  const float* gram;    ///< G [live.count() x live.packed_stride()], live rows alone
};
/// Columns that go through a product with G together: while a panel of G is in the first cache they
/// all pass over it. Whole tiles of any instruction set, no more than a block.
inline constexpr std::int64_t kGramRows = 60;
/// One segment of OutputGramUpdate; S for the units of `kept`, which are the live ones at least, as
/// gram_segment() leaves it. scratch: [gram_update_scratch(live, kept)].
inline std::int64_t gram_update_scratch(const LiveUnits& live, const LiveUnits& kept) {
  return kGramRows * (2 * live.max_packed_stride() + kept.max_packed_stride());
}
void gram_update_segment(const OutputGramUpdate& op, const PackedHidden& packed,
                         const Rounded& rounded, const LiveUnits& kept, std::int64_t segment,
                         float* scratch);

// kernels_output.cc
void rated_loss_rows(const RatedLoss& op, std::int64_t begin, std::int64_t end);

// kernels_direct.cc
inline constexpr std::int64_t kOutputBlock = 32;
void dense_rows(const DenseRows& op, std::int64_t begin, std::int64_t end);
/// Columns [block * kOutputBlock, ...) of the outputs. scratch: [(padded(width) + n_rows) x
/// kOutputBlock]. Of rounded factors, where pairs is set [bf16_columns_size(width, kOutputBlock) +
/// bf16_rows_size(n_rows, width)]; hidden: Ha [n_rows x live.packed_stride()] then.
void output_forward_block(const OutputForward& op, const LiveUnits& live, std::int64_t block,
                          float* scratch, const float* hidden, Bf16Pair* pairs);
/// Batch rows [begin, end): their errors, and the sum of squares of each into row_sums[row].
void cell_loss_rows(const CellLoss& op, std::int64_t begin, std::int64_t end);
/// grad_hidden of batch rows [begin, end), of the live units. weight: [n_columns x
/// live.packed_stride()]; scratch: [(end - begin) x live.packed_stride()].
void output_backward_rows(const OutputBackward& op, const LiveUnits& live, const float* weight,
                          const Rounded& rounded, std::int64_t begin, std::int64_t end,
                          float* scratch);
/// Columns [begin, end): gradient and Adam. hidden: Ha [n_rows x live.packed_stride()]; scratch:
/// [(end - begin) x live.packed_stride()].
void direct_update_columns(const OutputDirectUpdate& op, const LiveUnits& live, const float* hidden,
                           const Rounded& rounded, std::int64_t begin, std::int64_t end,
                           float* scratch);

// kernels_ranking.cc
void select_top_row(const SelectTop& op, std::int64_t row);
void score_sums_row(const ScoreSums& op, std::int64_t row);

// kernels_scores.cc
/// The runs of columns that ScoreRows is cut into: whole blocks of them.
struct ScoreChunks {
  explicit constexpr ScoreChunks(std::int64_t n_columns)
      : n(n_columns), size(std::max(kLeast, rounded_up(pieces(n_columns, kMost)))) {}
  constexpr std::int64_t count() const { return pieces(n, size); }
  constexpr std::int64_t begin(std::int64_t chunk) const { return chunk * size; }
  constexpr std::int64_t end(std::int64_t chunk) const { return std::min(n, (chunk + 1) * size); }

  static constexpr std::int64_t kMost = 16, kLeast = 1024;
  std::int64_t n, size;

 private:
  static constexpr std::int64_t rounded_up(std::int64_t columns) {
    return pieces(columns, kOutputBlock) * kOutputBlock;
  }
};
/// What a thread keeps of a row while it passes over chunks: first what every block of columns
/// touches, on as few cache lines as can be.
struct alignas(64) RowScores {
  static constexpr std::int64_t kSums = 8;
  /// Of the cells of a sparse row: which is next.
  struct Cells {
    const std::int32_t *next, *end;
    float* value;
    std::int32_t column() const { return next < end ? *next : kNone; }
  };
  static constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();

  std::array<double, kSums> squares;  ///< side by side, as many for every instruction set
  std::int64_t n_above;
  Candidates candidates;
  std::int32_t excluded_column;  ///< the next one; kNone
  std::array<std::int32_t, kMostPicks> picked_columns;
  Cells excluded;  ///< no values
  std::array<Cells, kMostPicks> picks;
};
inline constexpr std::int64_t kScoreRows = 48;  ///< whole tiles of any instruction set
/// Rows [0, n_rows) over one chunk: sums of it alone; candidates beside those that are there.
/// hidden: the product's [n_rows x live.packed_stride()], or one row where they are alike; rows:
/// [n_rows]; scratch: [score_scratch(live)].
inline std::int64_t score_scratch(const LiveUnits& live) {
  return (2 * live.max_packed_stride() + kScoreRows) * kOutputBlock;
}
void score_rows_chunk(const ScoreRows& op, const LiveUnits& live, const float* hidden,
                      std::int64_t chunk, RowScores* rows, float* scratch);

}  // namespace hourglass::cpu
