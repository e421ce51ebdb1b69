#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

struct TransposeCase {
  HostBatch rows;             ///< of all batches
  std::int32_t batch_size{};  ///< 0: one batch of all rows

  std::int32_t size() const {
    return batch_size > 0 ? batch_size : std::max<std::int32_t>(rows.size(), 1);
  }
  std::string name() const {
    return std::to_string(rows.size()) + " rows, " + std::to_string(size()) + " a batch, " +
           std::to_string(rows.n_columns) + " columns";
  }
  std::vector<HostBatch> batches() const {
    std::vector<HostBatch> all;
    for (std::int32_t first = 0; first == 0 || first < rows.size(); first += size()) {
      all.push_back(rows);
      all.back().rows.assign(rows.rows.begin() + first,
                             rows.rows.begin() + std::min(rows.size(), first + size()));
    }
    return all;
  }
  std::vector<std::int64_t> entries_before() const {
    std::vector<std::int64_t> before{0};
    for (const HostBatch& batch : batches()) before.push_back(before.back() + batch.n_entries());
    return before;
  }
  /// Each array's shares, one batch's after the other's, each as long as HostColumns'.
  Results run(Backend& backend) const {
    const std::vector<HostBatch> list = batches();
    const std::vector<std::int64_t> before = entries_before();
    const BatchColumnSizes sizes(std::ssize(list), rows.size(), before.back());
    GuardedMemory memory(backend);
    const MutableBatchColumns columns = {
        .row_begin = memory.written<std::int64_t>("row_begin", sizes.row_begin),
        .values = memory.written<float>("values", sizes.values),
        .ids = memory.written<std::int32_t>("ids", sizes.ids),
        .begin = memory.written<std::int64_t>("begin", sizes.begin),
        .entry_row = memory.written<std::int32_t>("entry_row", sizes.entry_row),
        .entry_index = memory.written<std::int64_t>("entry_index", sizes.entry_index),
        .n_columns = memory.written<std::int32_t>("n_columns", sizes.n_columns)};
    backend.run(TransposeBatches{
        .ratings = memory.ratings(rows),
        .rows = memory.array("rows", rows.rows, Access::kRead),
        .n_rows = rows.size(),
        .batch_size = size(),
        .entries_before = memory.array("entries_before", before, Access::kRead),
        .n_entries = before.back(),
        .columns = columns,
        .scratch = memory.scratch<std::int64_t>("scratch", transpose_scratch(before.back()))});
    const Results whole = memory.finish();
    Results shares;
    for (std::size_t k = 0; k < list.size(); ++k) {
      const HostColumns like(list[k]);
      const MutableBatchColumns share =
          columns_of_batch(columns, static_cast<std::int64_t>(k), size(), before[k]);
      const auto add = [&](const std::string& name, auto all, auto begin, std::size_t n) {
        const auto from = whole.at(name).begin() + (begin.raw() - all.raw());
        shares[name].insert(shares[name].end(), from, from + static_cast<std::ptrdiff_t>(n));
      };
      add("row_begin", columns.row_begin, share.row_begin, like.row_begin.size());
      add("values", columns.values, share.values, like.values.size());
      add("ids", columns.ids, share.ids, like.ids.size());
      add("begin", columns.begin, share.begin, like.begin.size());
      add("entry_row", columns.entry_row, share.entry_row, like.entry_row.size());
      add("entry_index", columns.entry_index, share.entry_index, like.entry_index.size());
      add("n_columns", columns.n_columns, share.n_columns, like.n_columns.size());
    }
    return shares;
  }
  /// What run() must give, worked out plainly.
  Results want() const {
    Results all;
    for (const HostBatch& batch : batches()) {
      const HostColumns columns(batch);
      const auto add = [&](const std::string& name, const auto& values) {
        all[name].insert(all[name].end(), values.begin(), values.end());
      };
      add("row_begin", columns.row_begin);
      add("values", columns.values);
      add("ids", columns.ids);
      add("begin", columns.begin);
      add("entry_row", columns.entry_row);
      add("entry_index", columns.entry_index);
      add("n_columns", columns.n_columns);
    }
    return all;
  }
};

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
    const bool full_row = all.size() % 2 == 0 && n_columns < 9999;
    all.push_back({random_batch(numbers, batch, n_columns, full_row)});
    // And cut into batches, the last of which is smaller; of one row, as the rows without a rating
    // are.
    if (batch > 1) all.push_back({all.back().rows, static_cast<std::int32_t>(batch / 2)});
    if (batch > 3 && batch < 40) all.push_back({all.back().rows, 1});
  }
  return all;
}

const std::vector<TransposeCase>& cases() {
  static const std::vector<TransposeCase> all = make_cases();
  return all;
}

class TransposeBatchesTest : public OperationTest {};

TEST_P(TransposeBatchesTest, SortsByColumnAndRow) {
  for (const TransposeCase& c : cases()) {
    SCOPED_TRACE(c.name());
    expect_equal(c.run(backend()), c.want());
  }
}

TEST_P(TransposeBatchesTest, GivesTheSameBitsAgain) {
  for (const TransposeCase& c : cases()) expect_bits_of_twins(c);
}

// Column ids up to the last int32, which is the bias column's, and such that every digit of a radix
// sort decides something.
TEST_P(TransposeBatchesTest, TakesTheLastColumnThereCanBe) {
  const std::int32_t last = std::numeric_limits<std::int32_t>::max(), high = 1 << 30, mid = 1 << 22;
  TransposeCase c;
  c.rows.n_columns = last;
  c.rows.add_row({{5, 0.5F}, {mid, 1.5F}, {last - 1, 2.5F}});
  c.rows.add_row({{mid + 4096, 3.5F}, {high, 4.5F}, {last - 1, 5.5F}});
  c.rows.rows = {1, 0};
  const Results got = c.run(backend());
  EXPECT_EQ(got.at("ids"), (std::vector<double>{5, mid, mid + 4096, high, last - 1.0, last}));
  EXPECT_EQ(got.at("begin"), (std::vector<double>{0, 1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(got.at("entry_row"), (std::vector<double>{1, 1, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(got.at("entry_index"), (std::vector<double>{3, 4, 0, 1, 2, 5, 6, 7}));
  EXPECT_EQ(got.at("values"), (std::vector<double>{3.5, 4.5, 5.5, 0.5, 1.5, 2.5, 1, 1}));
}

// A row may occur twice in a batch: each is a row of its own.
TEST_P(TransposeBatchesTest, TakesARowTwice) {
  TransposeCase c;
  c.rows.n_columns = 3;
  c.rows.add_row({{0, 2}, {2, 4}});
  c.rows.rows = {0, 0};
  const Results got = c.run(backend());
  EXPECT_EQ(got.at("ids"), (std::vector<double>{0, 2, 3}));
  EXPECT_EQ(got.at("entry_row"), (std::vector<double>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(got.at("entry_index"), (std::vector<double>{0, 2, 1, 3, 4, 5}));
}

HOURGLASS_ON_EVERY_BACKEND(TransposeBatchesTest);

}  // namespace
}  // namespace hourglass::ops_test
