#pragma once

#include <algorithm>
#include <cstdint>

#include "hourglass/ops/adam.h"
#include "hourglass/ops/batch.h"

// The output layer and the loss. Ha = [h 1] is [batch x width], Wa = [W b] is [n_columns x width],
// width = hidden + 1; the outputs are Y = Ha Wa^T and are never formed in training.
namespace hourglass {

/// Sums over all columns that yield [width x width] use fixed segments of columns, one partial each,
/// added in a fixed tree: the bits then depend on the shape alone, not on the threads (DESIGN 3.6).
/// A segment is a whole number of kGramBlock columns.
inline constexpr std::int64_t kGramBlock = 64;
inline constexpr std::int64_t kMaxGramSegments = 64;

struct GramSegments {
  std::int64_t n_columns = 0;
  std::int64_t size = 0;   ///< columns of a segment (the last may have fewer)
  std::int64_t count = 0;  ///< 1 .. kMaxGramSegments

  constexpr GramSegments(std::int64_t columns, std::int64_t width) : n_columns(columns) {
    // Wide layers take fewer segments: the partials stay within 64 MiB (or are a single one).
    const std::int64_t affordable = (std::int64_t{16} << 20) / (width * padded(width));
    const std::int64_t segments = std::clamp<std::int64_t>(affordable, 1, kMaxGramSegments);
    const std::int64_t blocks = (columns + kGramBlock - 1) / kGramBlock;
    const std::int64_t per_segment = (blocks + segments - 1) / segments;
    size = std::max<std::int64_t>(per_segment, 1) * kGramBlock;
    count = std::max<std::int64_t>((columns + size - 1) / size, 1);
  }
  constexpr std::int64_t begin(std::int64_t segment) const { return segment * size; }
  constexpr std::int64_t end(std::int64_t segment) const {
    return std::min(n_columns, (segment + 1) * size);
  }
};

/// A finer cut, for an engine that has hundreds of segments in flight at a time: segments of whole
/// runs of kFineGramBlock columns, none longer than another by more than a run. Where one segment
/// has twice the columns of the others, all wait for it.
inline constexpr std::int64_t kFineGramBlock = 16;
inline constexpr std::int64_t kMaxFineGramSegments = 256;

struct FineGramSegments {
  std::int64_t n_columns = 0;
  std::int64_t blocks = 0;
  std::int64_t count = 0;  ///< 1 .. kMaxFineGramSegments

  constexpr FineGramSegments(std::int64_t columns, std::int64_t width) : n_columns(columns) {
    // Every partial is written and read once a step: together they stay within 20 MiB (or are a
    // single one), which is about what a pass over a wide layer can spare.
    const std::int64_t affordable = (std::int64_t{5} << 20) / (width * padded(width));
    // +: its value. On a device there is no constant to refer to, and nvcc makes a trap of it
    // without a word.
    const std::int64_t segments = std::clamp<std::int64_t>(affordable, 1, +kMaxFineGramSegments);
    blocks = (columns + kFineGramBlock - 1) / kFineGramBlock;
    count = std::clamp<std::int64_t>(blocks, 1, segments);
  }
  constexpr std::int64_t begin(std::int64_t segment) const {
    return std::min(n_columns, segment * blocks / count * kFineGramBlock);
  }
  constexpr std::int64_t end(std::int64_t segment) const { return begin(segment + 1); }
  constexpr std::int64_t longest() const { return (blocks + count - 1) / count * kFineGramBlock; }
};

/// Floats of scratch for the segments' partial sums, whichever cut an engine takes.
constexpr std::int64_t gram_scratch(std::int64_t n_columns, std::int64_t width) {
  return std::max(GramSegments(n_columns, width).count, FineGramSegments(n_columns, width).count) *
         width * padded(width);
}

/// A third to a half of the units are idle in a batch, zero in every row of it; S costs with the square
/// of the others. Which they will be is not known when OutputGramUpdate sums S up for the next
/// batch, but most that sleep have slept for long: who skips idle units keeps count of the batches
/// that each has been idle for, and sums up S for those that were live within so many.
inline constexpr std::int32_t kGramMemory = 8;

/// gram = Wa^T Wa, in the segments' order, symmetric to the bit. OutputGramUpdate leaves the same
/// bits.
struct OutputGram {
  Matrix<const float> weight;  ///< [n_columns x width]
  std::int64_t n_columns = 0, width = 0;
  Matrix<float> gram;  ///< [width x width]
  Ptr<float> scratch;  ///< [gram_scratch(n_columns, width)]
  /// Where set, [n_rows x width]: of a unit that is idle in it, zero in every row, the entries of
  /// gram may stay as they were. (What they are multiplied by is zero.)
  Matrix<const float> hidden = {};
  std::int64_t n_rows = 0;
  /// With hidden, [width] as OutputGramUpdate left it: gram stands already for units that were idle
  /// for at most kGramMemory batches. Nothing is left to do unless a live one was for longer.
  Ptr<const std::int32_t> idle_batches = {};
};

/// The loss over all cells, zeros included, and its gradient by h, without the outputs (DESIGN 3.2).
/// With G = Ha^T Ha, S = Wa^T Wa, P = X Wa:
///   loss = (<G, S> - 2 <P, Ha> + |X|^2) / (batch n_columns)      sums in double: they cancel
///   grad_h = 2 / (batch n_columns) (Ha S - P)                    [batch x width - 1]
struct OutputGramLoss {
  BatchRows batch;
  Matrix<const float> hidden;  ///< Ha [batch x width]
  Matrix<const float> product; ///< P [batch x width]
  Matrix<const float> gram;    ///< S [width x width], symmetric to the bit
  std::int64_t width = 0;
  Matrix<float> hidden_gram;  ///< out: G [width x width], symmetric to the bit
  Matrix<float> grad_hidden;  ///< out
  Ptr<double> row_sums;       ///< scratch [batch + width]
  Ptr<double> loss;           ///< out [1]
  /// Of a unit that is idle, zero in every row of hidden, anything finite may be left in
  /// grad_hidden: the ReLU behind it lets nothing through. S needs no entry of it then.
  bool skip_idle = false;
};

/// One pass over the output layer: for every column j,
///   g[j, :] = 2 / (batch n_columns) (Wa[j, :] G - sum over its ratings of x Ha[row, :]),
/// Adam's step, and the new row's outer product into S for the next step.
struct OutputGramUpdate {
  BatchColumns columns;
  std::int32_t batch = 0;
  Matrix<const float> hidden;       ///< Ha [batch x width]
  /// G [width x width], symmetric to the bit; zero in the row and column of a unit that is zero in
  /// every row of hidden
  Matrix<const float> hidden_gram;
  std::int64_t n_columns = 0;
  AdamMatrix rows;  ///< [n_columns x width]; never deferred
  AdamConstants adam;
  std::int64_t step = 0;
  Matrix<float> gram;  ///< out: S of the new weights
  Ptr<float> scratch;  ///< [gram_scratch(n_columns, width)]
  /// Where set, [width]: the batches that each unit has been idle for, this one counted now: 0 where
  /// it is live. Of a unit that has been for more than kGramMemory, gram may be anything finite.
  Ptr<std::int32_t> idle_batches = {};
};

/// RatedLoss may cut a batch's ratings into pieces of so many, in batch order, whatever their rows:
/// rows differ a hundredfold in length. A row has a share in every piece that has a rating of it.
inline constexpr std::int64_t kRatedPiece = 64;

/// Floats of scratch for the shares of rows: piece p's of row b is number p + b.
constexpr std::int64_t rated_scratch(std::int64_t n_ratings, std::int64_t batch,
                                     std::int64_t width) {
  return ((n_ratings + kRatedPiece - 1) / kRatedPiece + batch) * padded(width);
}

/// The loss over the rated cells of the batch (as AutoRec's): with n ratings in the batch,
///   error e = Ha[b, :] . Wa[j, :] - x;   loss = sum e^2 / n;   grad_h[b, :] = 2 / n sum_j e Wa[j, :]
/// The rows of Wa that occur must have been caught up. The batch must have a rating.
struct RatedLoss {
  BatchRows batch;
  Ptr<const std::int64_t> row_begin;  ///< [batch + 1] as TransposeBatches leaves it
  Matrix<const float> hidden;         ///< Ha [batch x width]
  Matrix<const float> weight;         ///< Wa [n_columns x width]
  std::int64_t width = 0;
  std::int64_t n_ratings = 0;  ///< of the batch
  Ptr<float> errors;           ///< out [n_ratings] in batch order
  Matrix<float> grad_hidden;   ///< out [batch x width - 1]
  Ptr<float> scratch;          ///< [rated_scratch(n_ratings, batch, width)]
  Ptr<double> row_sums;        ///< scratch [batch]
  Ptr<double> loss;            ///< out [1]
};

/// out = Ha Wa^T: the outputs themselves, for prediction. [batch x n_columns], stride free.
struct OutputForward {
  Matrix<const float> hidden;  ///< [n_rows x width]
  Matrix<const float> weight;  ///< [n_columns x width]
  std::int64_t n_rows = 0, n_columns = 0, width = 0;
  Matrix<float> out;
};

}  // namespace hourglass
