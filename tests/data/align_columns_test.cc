#include "hourglass/data/align_columns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/data/select_rows.h"
#include "support/error_text.h"
#include "support/id_list.h"

namespace hourglass {
namespace {

using test::ids_of;

/// a b c d
/// 1 2 . 3
/// . . . .
/// . 4 5 .
Ratings four_columns() {
  Ratings ratings;
  ratings.matrix = {.n_rows = 3,
                    .n_columns = 4,
                    .row_offsets = {0, 3, 3, 5},
                    .columns = {0, 1, 3, 1, 2},
                    .values = {1, 2, 3, 4, 5}};
  ratings.row_ids = ids_of({"x", "y", "z"});
  ratings.column_ids = ids_of({"a", "b", "c", "d"});
  return ratings;
}

AlignedRatings align(const Ratings& ratings, const IdList& wanted) {
  return align_columns(ratings.matrix, ratings.column_ids, wanted);
}

TEST(AlignColumnsTest, ColumnsMeetById) {
  const AlignedRatings aligned = align(four_columns(), ids_of({"d", "new", "b", "a"}));
  const CsrMatrix expected = {.n_rows = 3,
                              .n_columns = 4,
                              .row_offsets = {0, 3, 3, 4},
                              .columns = {0, 2, 3, 2},
                              .values = {3, 2, 1, 4}};
  EXPECT_EQ(aligned.matrix, expected);
  EXPECT_EQ(aligned.unknown_ids, ids_of({"c"}));
  EXPECT_EQ(aligned.n_unknown, 1);
}

TEST(AlignColumnsTest, TheSameColumnsChangeNothing) {
  const Ratings ratings = four_columns();
  const AlignedRatings aligned = align(ratings, ratings.column_ids);
  EXPECT_EQ(aligned.matrix, ratings.matrix);
  EXPECT_EQ(aligned.unknown_ids.size(), 0);
}

TEST(AlignColumnsTest, NoIdInCommonIsAnError) {
  const std::string error = test::error_text([] { align(four_columns(), ids_of({"0", "00"})); });
  EXPECT_NE(error.find("share no id"), error.npos) << error;
  const std::string torn = test::error_text(
      [] { align(four_columns(), ids_of({"two\nlines\x1b[31m" + std::string(99, 'x')})); });
  EXPECT_EQ(torn.find_first_of("\n\x1b"), torn.npos) << torn;
  EXPECT_NE(torn.find("'two\\x0Alines"), torn.npos) << torn;
}

TEST(SelectRowsTest, RowsInAnyOrderAndTwice) {
  const CsrMatrix matrix = four_columns().matrix;
  const std::vector<std::int32_t> rows = {2, 0, 1, 2};
  const CsrMatrix expected = {.n_rows = 4,
                              .n_columns = 4,
                              .row_offsets = {0, 2, 5, 5, 7},
                              .columns = {1, 2, 0, 1, 3, 1, 2},
                              .values = {4, 5, 1, 2, 3, 4, 5}};
  EXPECT_EQ(select_rows(matrix, rows), expected);
  EXPECT_EQ(select_rows(matrix, {}).n_rows, 0);
}

}  // namespace
}  // namespace hourglass
