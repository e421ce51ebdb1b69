#include <string>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct TransposeCase {
  HostBatch batch;
  std::int64_t spare_entries = 0;  ///< max_entries beyond the batch's

  std::string name() const {
    return std::to_string(batch.size()) + " rows, " + std::to_string(batch.n_columns) + " columns";
  }
  Results run(Backend& backend) const {
    const HostColumns want(batch);
    const auto ids = static_cast<std::int64_t>(want.ids.size());
    const auto entries = static_cast<std::int64_t>(want.values.size());
    const std::int64_t max_entries = batch.n_entries() + spare_entries;
    GuardedMemory memory(backend);
    backend.run(TransposeBatch{
        .batch = memory.batch(batch),
        .max_entries = max_entries,
        .columns = {.row_begin = memory.written<std::int64_t>("row_begin", batch.size() + 1),
                    .values = memory.written<float>("values", entries),
                    .ids = memory.written<std::int32_t>("ids", ids),
                    .begin = memory.written<std::int64_t>("begin", ids + 1),
                    .entry_row = memory.written<std::int32_t>("entry_row", entries),
                    .entry_index = memory.written<std::int64_t>("entry_index", entries),
                    .n_columns = memory.written<std::int32_t>("n_columns", 2)},
        .scratch = memory.scratch<std::int64_t>("scratch", transpose_scratch(max_entries))});
    return memory.finish();
  }
};

template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

std::vector<TransposeCase> make_cases() {
  struct Size {
    std::int64_t batch, n_columns;
  };
  std::vector<TransposeCase> all;
  // Columns around 2^11 and 2^22, where a radix sort takes another digit.
  for (const auto [batch, n_columns] :
       {Size{0, 33}, Size{1, 1}, Size{3, 0}, Size{31, 127}, Size{32, 257}, Size{33, 1031},
        Size{127, 32}, Size{257, 31}, Size{1031, 7}, Size{5, 2047}, Size{5, 2048}, Size{5, 2049},
        Size{9, 5000}, Size{4, (1 << 22) - 1}, Size{4, (1 << 22) + 1}}) {
    Numbers numbers(all.size() + 1, Values::kReals);
    all.push_back({random_batch(numbers, batch, n_columns, all.size() % 2 == 0 && n_columns < 9999),
                   static_cast<std::int64_t>(all.size() % 3) * 5});
  }
  return all;
}

const std::vector<TransposeCase>& cases() {
  static const std::vector<TransposeCase> all = make_cases();
  return all;
}

class TransposeBatchTest : public OperationTest {};

TEST_P(TransposeBatchTest, SortsByColumnAndRow) {
  for (const TransposeCase& c : cases()) {
    SCOPED_TRACE(c.name());
    const HostColumns want(c.batch);
    expect_equal(c.run(backend()), {{"row_begin", doubles(want.row_begin)},
                                    {"values", doubles(want.values)},
                                    {"ids", doubles(want.ids)},
                                    {"begin", doubles(want.begin)},
                                    {"entry_row", doubles(want.entry_row)},
                                    {"entry_index", doubles(want.entry_index)},
                                    {"n_columns", doubles(want.n_columns)}});
  }
}

TEST_P(TransposeBatchTest, GivesTheSameBitsAgain) {
  for (const TransposeCase& c : cases()) expect_bits_of_twins(c);
}

// Column ids up to the last int32, which is the bias column's, and such that every digit of a radix
// sort decides something.
TEST_P(TransposeBatchTest, TakesTheLastColumnThereCanBe) {
  const std::int32_t last = std::numeric_limits<std::int32_t>::max(), high = 1 << 30, mid = 1 << 22;
  TransposeCase c;
  c.batch.n_columns = last;
  c.batch.add_row({{5, 0.5F}, {mid, 1.5F}, {last - 1, 2.5F}});
  c.batch.add_row({{mid + 4096, 3.5F}, {high, 4.5F}, {last - 1, 5.5F}});
  c.batch.rows = {1, 0};
  const Results got = c.run(backend());
  EXPECT_EQ(got.at("ids"), (std::vector<double>{5, mid, mid + 4096, high, last - 1.0, last}));
  EXPECT_EQ(got.at("begin"), (std::vector<double>{0, 1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(got.at("entry_row"), (std::vector<double>{1, 1, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(got.at("entry_index"), (std::vector<double>{3, 4, 0, 1, 2, 5, 6, 7}));
  EXPECT_EQ(got.at("values"), (std::vector<double>{3.5, 4.5, 5.5, 0.5, 1.5, 2.5, 1, 1}));
}

// A row may occur twice in a batch: each is a row of its own.
TEST_P(TransposeBatchTest, TakesARowTwice) {
  TransposeCase c;
  c.batch.n_columns = 3;
  c.batch.add_row({{0, 2}, {2, 4}});
  c.batch.rows = {0, 0};
  const Results got = c.run(backend());
  EXPECT_EQ(got.at("ids"), (std::vector<double>{0, 2, 3}));
  EXPECT_EQ(got.at("entry_row"), (std::vector<double>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(got.at("entry_index"), (std::vector<double>{0, 2, 1, 3, 4, 5}));
}

HOURGLASS_ON_EVERY_BACKEND(TransposeBatchTest);

}  // namespace
}  // namespace hourglass::ops_test
