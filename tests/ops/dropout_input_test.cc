#include <cmath>
#include <string>

#include "hourglass/core/philox.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct DropoutCase {
  HostBatch batch;
  float probability = 0.5F;
  std::uint64_t seed = 42;
  std::uint32_t draw = 1;

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) +
           " columns, p " + std::to_string(probability);
  }
  Results run(Backend& backend) const {
    GuardedMemory memory(backend);
    const HostColumns columns(batch);
    backend.run(
        DropoutInput{.batch = memory.batch(batch),
                     .row_begin = memory.array("row_begin", columns.row_begin, Access::kRead),
                     .probability = probability,
                     .scale = 1 / (1 - probability),
                     .seed = seed,
                     .draw = draw,
                     .values = memory.written<float>("values", batch.n_entries() + batch.size())});
    return memory.finish();
  }
};

std::vector<DropoutCase> cases() {
  struct Size {
    std::int64_t batch, n_columns;
  };
  std::vector<DropoutCase> all;
  for (const auto [batch, n_columns] : {Size{0, 33}, Size{1, 1}, Size{3, 0}, Size{31, 127},
                                        Size{32, 257}, Size{33, 1031}, Size{127, 32}}) {
    for (const float probability : {0.0F, 0.25F, 0.75F}) {
      Numbers numbers(all.size() + 1, Values::kReals);
      all.push_back({random_batch(numbers, batch, n_columns, all.size() % 2 == 0), probability,
                     all.size() * 77, static_cast<std::uint32_t>(all.size() + 1)});
    }
  }
  return all;
}

class DropoutInputTest : public OperationTest {};

TEST_P(DropoutInputTest, EveryEngineDropsTheSame) {
  for (const DropoutCase& c : cases()) expect_exact(c);
}

TEST_P(DropoutInputTest, GivesTheSameBitsAgain) {
  for (const DropoutCase& c : cases()) expect_bits_of_twins(c);
}

// The mask goes by the rating's place in the matrix, not in the batch.
TEST_P(DropoutInputTest, WorkedByHand) {
  DropoutCase c;
  c.batch.n_columns = 50;
  std::vector<std::pair<std::int32_t, float>> row;
  for (std::int32_t column = 0; column < 50; ++column) row.emplace_back(column, 3.0F);
  for (int r = 0; r < 4; ++r) c.batch.add_row(row);
  c.batch.rows = {3, 1};
  c.probability = 0.25F;
  const std::vector<double> values = c.run(backend()).at("values");
  ASSERT_EQ(values.size(), 102U);
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::uint32_t column = 0; column < 50; ++column) {
      const auto word = philox(42, RandomPurpose::kDropout, 1, b == 0 ? 3 : 1, column)[0];
      EXPECT_EQ(values[b * 50 + column], uniform(word) < 0.25F ? 0 : 4) << column;
    }
    EXPECT_EQ(values[100 + b], 1) << "the bias is never dropped";
  }
}

// torch.nn.Dropout's promise: the share that is dropped, and the mean that stays.
TEST_P(DropoutInputTest, DropsTheShareAskedForAndOtherOnesEachStep) {
  DropoutCase c;
  c.batch.n_columns = 1000;
  std::vector<std::pair<std::int32_t, float>> row;
  for (std::int32_t column = 0; column < 1000; ++column) row.emplace_back(column, 1.0F);
  for (std::int32_t r = 0; r < 40; ++r) {
    c.batch.add_row(row);
    c.batch.rows.push_back(r);
  }
  c.probability = 0.3F;
  const auto dropped = [&](std::uint32_t draw) {
    c.draw = draw;
    std::vector<double> values = c.run(backend()).at("values");
    values.resize(40000);
    return values;
  };
  const std::vector<double> first = dropped(1), second = dropped(2);
  double n = 0, both = 0, sum = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    n += first[i] == 0;
    both += first[i] == 0 && second[i] == 0;
    sum += first[i];
  }
  // Six standard deviations of a binomial.
  const double size = static_cast<double>(first.size());
  EXPECT_LE(std::abs(n - 0.3 * size), 6 * std::sqrt(0.3 * 0.7 * size));
  EXPECT_LE(std::abs(both - 0.09 * size), 6 * std::sqrt(0.09 * 0.91 * size));
  EXPECT_LE(std::abs(sum / size - 1), 6 * std::sqrt(0.3 * 0.7 / size) / 0.7);
}

HOURGLASS_ON_EVERY_BACKEND(DropoutInputTest);

}  // namespace
}  // namespace hourglass::ops_test
