#include "hourglass/model/epoch_batches.h"

#include <gtest/gtest.h>

#include <limits>

#include "hourglass/ops/allocation_count.h"
#include "reference/backend.h"
#include "support/error_text.h"

namespace hourglass {
namespace {

TEST(EpochBatches, RefusesABatchOfMoreRatingsThanEnginesCount) {
  reference::ReferenceBackend reference;
  AllocationCount count(reference);
  CsrMatrix ratings;  // of which only the offsets are read, and nothing is run
  ratings.n_rows = 2;
  ratings.n_columns = std::numeric_limits<std::int32_t>::max();
  ratings.row_offsets = {0, 1 << 30, std::int64_t{3} << 30};
  const std::string text = test::error_text([&] { EpochBatches(count, ratings, 1); });
  EXPECT_EQ(text,
            "a batch of 1 rows can have 2147483648 ratings, and 2147483646 at most can be "
            "taken at once; lower --batch-size");
  ratings.row_offsets = {0, 1 << 30, std::int64_t{2} << 30};
  EXPECT_EQ(EpochBatches(count, ratings, 1).most_ratings(), 1 << 30);
  EXPECT_NE(test::error_text([&] { EpochBatches(count, ratings, 2); }), "");
}

TEST(Buffer, OfASizeBeyondAnyMemoryIsRefusedNotWrapped) {
  reference::ReferenceBackend reference;
  AllocationCount count(reference);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(Buffer<double>(count, kMost / 8 + 1), std::bad_alloc);
  EXPECT_THROW(Buffer<double>(count, -1), std::bad_alloc);
  EXPECT_EQ(count.bytes(), 0U);
  for (int i = 0; i < 4; ++i) Buffer<double>(count, kMost / 8);
  EXPECT_EQ(count.bytes(), std::numeric_limits<std::size_t>::max()) << "the sum wraps neither";
}

}  // namespace
}  // namespace hourglass
