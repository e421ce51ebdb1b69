#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct GramCase {
  HostMatrix weight;
  std::int64_t extra_stride = 0;
  HostMatrix hidden = {};  // [n_rows x width]; no rows: all units are wanted
  std::vector<std::int32_t> idle_batches = {};  // [width], with hidden
  HostMatrix before = {};                       // gram, with idle_batches

  std::string name() const {
    return std::to_string(weight.n_rows) + " columns, width " + std::to_string(weight.width);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, extra_stride);
    backend.run(OutputGram{
        .weight = memory.matrix("weight", weight, Access::kRead),
        .n_columns = weight.n_rows,
        .width = weight.width,
        .gram = before.width > 0 ? memory.matrix("gram", before, Access::kUpdate)
                                 : memory.written("gram", weight.width, weight.width),
        .scratch = memory.scratch<float>("scratch", gram_scratch(weight.n_rows, weight.width)),
        .hidden = hidden.n_rows > 0 ? memory.matrix("hidden", hidden, Access::kRead)
                                    : Matrix<float>{},
        .n_rows = hidden.n_rows,
        .idle_batches = idle_batches.empty()
                            ? Ptr<std::int32_t>{}
                            : memory.array("idle_batches", idle_batches, Access::kRead)});
    Results results = memory.finish();
    std::vector<double>& gram = results.at("gram");
    for (std::int64_t i = 0; i < weight.width && hidden.n_rows > 0; ++i) {
      for (std::int64_t k = 0; k < weight.width; ++k) {  // what is anybody's
        if (is_idle(hidden, i) || is_idle(hidden, k)) {
          gram[static_cast<std::size_t>(i * weight.width + k)] = 0;
        }
      }
    }
    return results;
  }
  GramCase magnitudes() const {
    GramCase c = *this;
    c.weight = absolute(weight);
    return c;
  }
};

std::vector<GramCase> gram_cases(Values values) {
  struct Size {
    std::int64_t n_columns, width;
  };
  std::vector<GramCase> all;
  // Columns around a block and a segment; 4,193 make segments of two blocks, the last one's second
  // ragged.
  for (const auto [n_columns, width] :
       {Size{0, 3}, Size{1, 1}, Size{31, 33}, Size{32, 127}, Size{33, 31}, Size{63, 16},
        Size{64, 17}, Size{65, 15}, Size{127, 32}, Size{257, 129}, Size{1031, 33}, Size{4096, 5},
        Size{4097, 7}, Size{4193, 9}, Size{70, 257}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    all.push_back({random_matrix(numbers, n_columns, width), i % 4 == 3 ? 16 : 0});
    if (i % 2 == 1) all.back().hidden = random_hidden(numbers, 3, width, true);
  }
  return all;
}

class OutputGramTest : public OperationTest {};

TEST_P(OutputGramTest, IntegersAreExact) {
  for (const GramCase& c : gram_cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
}

TEST_P(OutputGramTest, RealsAreWithinRounding) {
  for (const GramCase& c : gram_cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    Results bound = c.magnitudes().run(reference());
    for (double& x : bound.at("gram")) x *= rounding(c.weight.n_rows);
    expect_within(c.run(backend()), c.run(reference()), bound);
  }
}

TEST_P(OutputGramTest, GivesTheSameBitsAgain) {
  for (const GramCase& c : gram_cases(Values::kReals)) expect_bits_of_twins(c);
}

// A wide layer takes fewer segments than 64: here 15. (The reference would take seconds: the
// diagonal and the sum over all elements stand for the rest.)
TEST_P(OutputGramTest, TakesAWideLayer) {
  constexpr std::int64_t kColumns = 129, kWidth = 1031;
  static_assert(GramSegments(100'000, kWidth).count < kMaxGramSegments);
  if (backend().kind() == "reference") return;
  Numbers numbers(1, Values::kIntegers);
  const GramCase c{random_matrix(numbers, kColumns, kWidth)};
  const std::vector<double> gram = c.run(backend()).at("gram");
  double sum = 0, want_sum = 0;
  for (const double x : gram) sum += x;
  std::vector<double> diagonal(kWidth);
  for (std::int64_t j = 0; j < kColumns; ++j) {
    double row = 0;
    for (std::int64_t k = 0; k < kWidth; ++k) {
      const double w = c.weight.at(j, k);
      row += w;
      diagonal[static_cast<std::size_t>(k)] += w * w;
    }
    want_sum += row * row;
  }
  EXPECT_EQ(sum, want_sum);
  for (std::size_t k = 0; k < kWidth; ++k) ASSERT_EQ(gram[k * kWidth + k], diagonal[k]);
}

// What OutputGramUpdate has kept stands; a unit that slept for longer and wakes has no entries yet.
TEST_P(OutputGramTest, CompletesWhatWasKept) {
  if (backend().kind() == "cuda") GTEST_SKIP() << "not this backend's";
  constexpr std::int64_t kColumns = 130, kWidth = 37;
  for (const bool all_kept : {true, false}) {
    Numbers numbers(5, Values::kIntegers);
    GramCase c{random_matrix(numbers, kColumns, kWidth)};
    const std::vector<double> whole = c.run(reference()).at("gram");
    c.hidden = random_hidden(numbers, 4, kWidth, true);
    c.before = HostMatrix(kWidth, kWidth, std::vector<float>(whole.begin(), whole.end()));
    for (std::int64_t i = 0; i < kWidth; ++i) {
      const bool kept = all_kept ? !is_idle(c.hidden, i) || i % 2 == 0 : i % 5 > 0;
      c.idle_batches.push_back(kept ? static_cast<std::int32_t>(i) % (kGramMemory + 1)
                                    : kGramMemory + 1);
      for (std::int64_t k = 0; k < kWidth && !kept; ++k) c.before.at(i, k) = c.before.at(k, i) = -77;
    }
    expect_exact(c);
    expect_bits_of_twins(c);
  }
}

TEST_P(OutputGramTest, WorkedByHand) {
  const GramCase c{HostMatrix(3, 2, {1, 2, -3, 4, 0.5, -1})};
  EXPECT_EQ(c.run(backend()).at("gram"),
            (std::vector<double>{1 + 9 + 0.25, 2 - 12 - 0.5, 2 - 12 - 0.5, 4 + 16 + 1}));
}

HOURGLASS_ON_EVERY_BACKEND(OutputGramTest);

struct OutputForwardCase {
  HostMatrix hidden, weight;
  std::int64_t spare = 0;  ///< elements between two rows of the result

  std::string name() const {
    return std::to_string(hidden.n_rows) + " rows, " + std::to_string(weight.n_rows) +
           " columns, width " + std::to_string(weight.width);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend, spare > 1 ? 16 : 0);
    backend.run(OutputForward{
        .hidden = memory.matrix("hidden", hidden, Access::kRead),
        .weight = memory.matrix("weight", weight, Access::kRead),
        .n_rows = hidden.n_rows,
        .n_columns = weight.n_rows,
        .width = weight.width,
        .out = memory.unpadded("out", hidden.n_rows, weight.n_rows, weight.n_rows + spare)});
    return memory.finish();
  }
  OutputForwardCase magnitudes() const { return {absolute(hidden), absolute(weight), spare}; }
};

std::vector<OutputForwardCase> forward_cases(Values values) {
  struct Size {
    std::int64_t n_rows, n_columns, width;
  };
  std::vector<OutputForwardCase> all;
  for (const auto [n_rows, n_columns, width] :
       {Size{0, 33, 5}, Size{3, 0, 5}, Size{1, 1, 1}, Size{31, 127, 33}, Size{32, 257, 127},
        Size{33, 1031, 31}, Size{127, 32, 257}, Size{257, 31, 32}, Size{5, 64, 1031},
        Size{2, 65, 16}, Size{1031, 33, 1}, Size{7, 63, 129}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    all.push_back({random_matrix(numbers, n_rows, width), random_matrix(numbers, n_columns, width),
                   static_cast<std::int64_t>(i) % 3});
  }
  return all;
}

class OutputForwardTest : public OperationTest {};

TEST_P(OutputForwardTest, IntegersAreExact) {
  for (const OutputForwardCase& c : forward_cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().run(reference()));
    expect_exact(c);
  }
}

TEST_P(OutputForwardTest, RealsAreWithinRounding) {
  for (const OutputForwardCase& c : forward_cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results want = c.run(reference()), magnitudes = c.magnitudes().run(reference());
    for_each_math([&](Math math) {
      Results bound = magnitudes;
      for (double& x : bound.at("out")) x *= rounding(c.weight.width) + of_factors(math);
      expect_within(c.run(backend()), want, bound);
    });
  }
}

TEST_P(OutputForwardTest, MathsDiffer) {
  expect_maths_differ(forward_cases(Values::kReals).back());
}

TEST_P(OutputForwardTest, GivesTheSameBitsAgain) {
  for (const OutputForwardCase& c : forward_cases(Values::kReals)) expect_bits_of_twins(c);
}

TEST_P(OutputForwardTest, WorkedByHand) {
  const OutputForwardCase c{HostMatrix(2, 2, {3, 1, -2, 1}),
                            HostMatrix(3, 2, {1, 10, 0, 5, -1, 0})};
  EXPECT_EQ(c.run(backend()).at("out"), (std::vector<double>{13, 5, -3, 8, 5, 2}));
}

HOURGLASS_ON_EVERY_BACKEND(OutputForwardTest);

}  // namespace
}  // namespace hourglass::ops_test
