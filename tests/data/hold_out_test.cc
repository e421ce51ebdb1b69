#include "hourglass/data/hold_out.h"

#include <gtest/gtest.h>


#include "hourglass/core/error.h"
#include "support/id_list.h"

namespace hourglass {
namespace {

using test::ids_of;

Ratings three_rows() {
  Ratings ratings;
  ratings.matrix = {.n_rows = 3,
                    .n_columns = 3,
                    .row_offsets = {0, 3, 3, 5},
                    .columns = {0, 1, 2, 0, 2},
                    .values = {1, 2, 3, 4, 5}};
  ratings.row_ids = ids_of({"x", "y", "z"});
  ratings.column_ids = ids_of({"a", "b", "c"});
  return ratings;
}

TEST(HoldOutTest, PairsMeetByIdWhetherOrNotTheyWereRated) {
  Ratings out;  // other orders; (x, b) and (z, c) are rated, (y, c) and (z, b) are not
  out.matrix = {.n_rows = 4,
                .n_columns = 3,
                .row_offsets = {0, 2, 3, 5, 6},
                .columns = {0, 1, 1, 0, 2, 0},
                .values = {50, 51, 52, 53, 54, 55}};
  out.row_ids = ids_of({"z", "x", "y", "new"});
  out.column_ids = ids_of({"c", "b", "unknown"});
  const HeldOut held = hold_out(three_rows(), out);
  const CsrMatrix given = {.n_rows = 3,
                           .n_columns = 3,
                           .row_offsets = {0, 2, 2, 3},
                           .columns = {0, 2, 0},
                           .values = {1, 3, 4}};
  const CsrMatrix hidden = {.n_rows = 3,
                            .n_columns = 3,
                            .row_offsets = {0, 1, 2, 4},
                            .columns = {1, 2, 1, 2},
                            .values = {52, 53, 51, 50}};
  EXPECT_EQ(held.split.given, given);
  EXPECT_EQ(held.split.hidden, hidden);
  EXPECT_EQ(held.n_unknown, 2);
  EXPECT_EQ(held.n_removed, 2);
}

TEST(HoldOutTest, NothingInCommonOrEverything) {
  Ratings strangers = three_rows();
  strangers.row_ids = ids_of({"p", "q", "r"});
  const HeldOut none = hold_out(three_rows(), strangers);
  EXPECT_EQ(none.split.hidden.n_entries(), 0);
  EXPECT_EQ(none.n_removed, 0);
  EXPECT_EQ(none.n_unknown, 5);
  const HeldOut all = hold_out(three_rows(), three_rows());
  EXPECT_EQ(all.split.given.n_entries(), 0);
  EXPECT_EQ(all.n_removed, 5);
  strangers.column_ids = ids_of({"p", "q", "r"});
  EXPECT_THROW(hold_out(three_rows(), strangers), Error);
}

}  // namespace
}  // namespace hourglass
