#include <cmath>
#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct GramLossCase {
  HostBatch batch;
  HostMatrix hidden, product, gram;  // [batch x width] twice, [width x width]
  std::int64_t extra_stride = 0;
  bool skip_idle = false;

  std::int64_t width() const { return gram.width; }
  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) +
           " columns, width " + std::to_string(width());
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(OutputGramLoss{
        .batch = memory.batch(batch),
        .hidden = memory.matrix("hidden", hidden, Access::kRead),
        .product = memory.matrix("product", product, Access::kRead),
        .gram = memory.matrix("gram", gram, Access::kRead),
        .width = width(),
        .hidden_gram = memory.written("hidden_gram", width(), width()),
        .grad_hidden = memory.loosely_padded("grad_hidden", batch.size(), width() - 1),
        .row_sums = memory.scratch<double>("row_sums", batch.size() + width()),
        .loss = memory.written<double>("loss", 1),
        .skip_idle = skip_idle});
    Results results = memory.finish();
    std::vector<double>& grad = results.at("grad_hidden");
    for (std::size_t i = 0; i < grad.size() && skip_idle; ++i) {  // what is anybody's
      const auto unit = static_cast<std::int64_t>(i) % (width() - 1);
      EXPECT_TRUE(std::isfinite(grad[i]));
      if (is_idle(hidden, unit)) grad[i] = 0;
    }
    return results;
  }
  /// Ha S - P and <G, S> - 2 <P, Ha> with every term positive.
  GramLossCase magnitudes() const {
    GramLossCase c = *this;
    c.hidden = absolute(hidden);
    c.product = absolute(product, -1);
    c.gram = absolute(gram);
    return c;
  }
};

struct Size {
  std::int64_t batch, n_columns, width;
};

GramLossCase random_case(std::size_t seed, Values values, const Size& size) {
  Numbers numbers(seed, values);
  GramLossCase c;
  c.batch = random_batch(numbers, size.batch, size.n_columns, seed % 2 == 0);
  c.skip_idle = seed % 3 == 2;
  c.hidden = random_hidden(numbers, size.batch, size.width, seed % 3 > 0);
  c.product = random_matrix(numbers, size.batch, size.width);
  c.gram = random_matrix(numbers, size.width, size.width);
  for (std::int64_t i = 0; i < size.width; ++i) {
    for (std::int64_t k = 0; k < i; ++k) c.gram.at(i, k) = c.gram.at(k, i);
  }
  for (std::int64_t i = 0; i < size.width && c.skip_idle; ++i) {  // S may lack these: stale
    for (std::int64_t k = 0; k < size.width && is_idle(c.hidden, i); ++k) {
      c.gram.at(i, k) = c.gram.at(k, i) = 123;
    }
  }
  c.extra_stride = seed % 4 == 3 ? 16 : 0;
  return c;
}

std::vector<GramLossCase> cases(Values values, const std::vector<Size>& sizes) {
  std::vector<GramLossCase> all;
  for (const Size& size : sizes) all.push_back(random_case(all.size() + 1, values, size));
  return all;
}

const std::vector<Size> kRagged = {{1, 1, 1},      {31, 127, 33}, {32, 257, 127}, {33, 1031, 31},
                                   {127, 32, 257}, {257, 31, 32}, {1031, 33, 2},  {6, 40, 128},
                                   {7, 40, 129},   {9, 20, 16},   {9, 20, 17},    {2, 5, 1}};
// A power of two of cells: the factor 2 / cells is exact.
const std::vector<Size> kExact = {{1, 1, 1},     {32, 32, 33}, {2, 1024, 127}, {64, 2, 31},
                                  {1, 128, 257}, {256, 8, 32}, {1024, 4, 5},   {128, 64, 129}};

class OutputGramLossTest : public OperationTest {};

TEST_P(OutputGramLossTest, IntegersAreExact) {
  for (const GramLossCase& c : cases(Values::kIntegers, kExact)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
  for (const GramLossCase& c : cases(Values::kIntegers, kRagged)) {
    SCOPED_TRACE(c.name());
    Results got = c.run(backend()), want = c.run(reference());
    for (Results* results : {&got, &want}) results->erase("grad_hidden");
    expect_equal(got, want);  // the loss as well: its sums are in double
  }
}

TEST_P(OutputGramLossTest, RealsAreWithinRounding) {
  for (const GramLossCase& c : cases(Values::kReals, kRagged)) {
    SCOPED_TRACE(c.name());
    Results bound = c.magnitudes().run(reference());
    for (double& x : bound.at("hidden_gram")) x *= rounding(c.batch.size());
    for (double& x : bound.at("grad_hidden")) x *= rounding(c.width() + 1);
    for (double& x : bound.at("loss")) x *= rounding(c.batch.size());
    expect_within(c.run(backend()), c.run(reference()), bound);
  }
}

TEST_P(OutputGramLossTest, GivesTheSameBitsAgain) {
  for (const GramLossCase& c : cases(Values::kReals, kRagged)) expect_bits_of_twins(c);
}

TEST_P(OutputGramLossTest, WorkedByHand) {
  // h = 2, W = (1, 0; -1, 1): outputs 2 and -1; ratings 3 and none: errors -1 and -1.
  GramLossCase c;
  c.batch.n_columns = 2;
  c.batch.add_row({{0, 3}});
  c.batch.rows = {0};
  c.hidden = HostMatrix(1, 2, {2, 1});
  c.gram = HostMatrix(2, 2, {2, -1, -1, 1});
  c.product = HostMatrix(1, 2, {3, 0});
  EXPECT_EQ(c.run(backend()), (Results{{"hidden_gram", {4, 2, 2, 1}},
                                       {"grad_hidden", {2.0 / 2 * (-1 * 1 + -1 * -1)}},
                                       {"loss", {1}}}));
  c.batch.values = {5};  // errors -3 and -1; P = 5 (1, 0)
  c.product = HostMatrix(1, 2, {5, 0});
  EXPECT_EQ(c.run(backend()).at("loss")[0], 5);
  EXPECT_EQ(c.run(backend()).at("grad_hidden")[0], -3 + 1);
}

/// The loss over all cells and its gradient by h, as they are defined: the outputs are formed.
struct Dense {
  double loss = 0, loss_magnitude = 0;
  std::vector<double> grad, grad_magnitude;  // [batch x width - 1]

  Dense(const HostBatch& batch, const HostMatrix& hidden, const HostMatrix& weight) {
    const double cells = static_cast<double>(hidden.n_rows) * static_cast<double>(weight.n_rows);
    for (std::int64_t b = 0; b < hidden.n_rows; ++b) {
      std::vector<double> x(static_cast<std::size_t>(weight.n_rows));
      for (std::int64_t e = batch.begin(b); e < batch.end(b); ++e) {
        x[static_cast<std::size_t>(batch.columns[static_cast<std::size_t>(e)])] =
            batch.values[static_cast<std::size_t>(e)];
      }
      std::vector<double> row(static_cast<std::size_t>(weight.width - 1)), row_magnitude = row;
      for (std::int64_t j = 0; j < weight.n_rows; ++j) {
        double error = -x[static_cast<std::size_t>(j)];
        double magnitude = std::abs(error);
        for (std::int64_t k = 0; k < weight.width; ++k) {
          const double term = static_cast<double>(hidden.at(b, k)) * weight.at(j, k);
          error += term;
          magnitude += std::abs(term);
        }
        loss += error * error / cells;
        loss_magnitude += magnitude * magnitude / cells;
        for (std::size_t k = 0; k < row.size(); ++k) {
          const double w = weight.at(j, static_cast<std::int64_t>(k));
          row[k] += 2 / cells * error * w;
          row_magnitude[k] += 2 / cells * magnitude * std::abs(w);
        }
      }
      grad.insert(grad.end(), row.begin(), row.end());
      grad_magnitude.insert(grad_magnitude.end(), row_magnitude.begin(), row_magnitude.end());
    }
  }
};

// S and P made by their own operations: together they are the loss that never forms the outputs.
TEST_P(OutputGramLossTest, IsTheDenseLoss) {
  for (const Size& size : {Size{3, 5, 2}, Size{31, 127, 33}, Size{16, 300, 65}, Size{1, 257, 9}}) {
    Numbers numbers(static_cast<std::uint64_t>(size.n_columns), Values::kReals);
    const HostBatch batch = random_batch(numbers, size.batch, size.n_columns, true);
    const HostMatrix hidden = with_ones(random_matrix(numbers, size.batch, size.width - 1));
    const HostMatrix weight = random_matrix(numbers, size.n_columns, size.width, 1);
    GuardedMemory memory(backend());
    const BatchRows rows = memory.batch(batch);
    const Matrix<float> ha = memory.matrix("hidden", hidden, Access::kRead);
    const Matrix<float> wa = memory.matrix("weight", weight, Access::kRead);
    const Matrix<float> product = memory.written("product", size.batch, size.width);
    const Matrix<float> gram = memory.written("gram", size.width, size.width);
    backend().run(GatherRows{.batch = rows, .weight = wa, .width = size.width, .out = product});
    backend().run(OutputGram{
        .weight = wa,
        .n_columns = size.n_columns,
        .width = size.width,
        .gram = gram,
        .scratch = memory.scratch<float>("scratch", gram_scratch(size.n_columns, size.width))});
    backend().run(OutputGramLoss{
        .batch = rows,
        .hidden = ha,
        .product = product,
        .gram = gram,
        .width = size.width,
        .hidden_gram = memory.written("hidden_gram", size.width, size.width),
        .grad_hidden = memory.loosely_padded("grad_hidden", size.batch, size.width - 1),
        .row_sums = memory.scratch<double>("row_sums", size.batch + size.width),
        .loss = memory.written<double>("loss", 1)});
    const Results got = memory.finish();

    // G, S, P and the gradient are float sums of batch, columns, ratings and width terms.
    Dense dense(batch, hidden, weight);
    const double sums = rounding(size.batch) + 2 * rounding(size.n_columns) + rounding(size.width);
    for (double& x : dense.grad_magnitude) x *= sums;
    expect_within(got, {{"loss", {dense.loss}}, {"grad_hidden", dense.grad}},
                  {{"loss", {sums * dense.loss_magnitude}}, {"grad_hidden", dense.grad_magnitude}});
  }
}

HOURGLASS_ON_EVERY_BACKEND(OutputGramLossTest);

}  // namespace
}  // namespace hourglass::ops_test
