#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hourglass/evaluate/evaluation.h"
#include "hourglass/ops/csr_buffer.h"

namespace hourglass {

/// Sums over the rows of a sample, a block of them at a time, one after the other. Only the scores
/// of cells with a rating, and two sums a row, come to the host.
class ErrorSums {
 public:
  /// Neither the sample nor the backend is copied. No block has more than max_rows rows.
  ErrorSums(Backend& backend, const HiddenSample& sample, float threshold, std::int64_t max_rows);

  /// What is needed of rows first, first + 1, ... when they are scored, ...
  void ask(ScoreRows& op, std::int64_t first);
  /// ... and n of them, scored. Throws Error where a score is not finite.
  void take(std::int64_t first, std::int64_t n);

  RatingErrors result() const;

 private:
  /// The ratings of one kind, and what is predicted for those of the block.
  class Cells {
   public:
    Cells(Backend& backend, const CsrMatrix& ratings, std::int64_t max_rows);
    PickCells pick(std::int64_t first);
    void take(std::int64_t first, std::int64_t n);
    /// use(rating, its score) for each rating of a row of the block.
    template <class Use>
    void for_each(std::int64_t row, const Use& use) const;

   private:
    std::int64_t offset(std::int64_t row) const {
      return ratings_->row_offsets[static_cast<std::size_t>(row)];
    }

    Backend* backend_;
    const CsrMatrix* ratings_;
    CsrBuffer on_device_;
    Buffer<float> picked_;
    std::vector<float> scores_;  ///< picked_, here
    std::int64_t first_ = 0;     ///< of the block
  };

  void add_row(std::int64_t row, double squares);

  Backend* backend_;
  const HiddenSample* sample_;
  float threshold_;
  Cells given_, hidden_;
  std::optional<Cells> others_;
  Buffer<double> squares_of_row_;
  Buffer<std::int64_t> n_above_of_row_;
  double squares_ = 0, absolute_ = 0, all_squares_ = 0;
  std::int64_t n_above_ = 0;
  Distribution predictions_;
};

}  // namespace hourglass
