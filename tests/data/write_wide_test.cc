#include "hourglass/data/write_wide.h"

#include "data/reading.h"

namespace hourglass::test {
namespace {

Ratings small() {
  Ratings ratings;
  ratings.row_name = "book";
  for (const char* id : {"7", "a,b", "say \"x\""}) ratings.row_ids.add(id);
  for (const char* id : {"u", "v\n", "w"}) ratings.column_ids.add(id);
  ratings.matrix = {.n_rows = 3,
                    .n_columns = 3,
                    .row_offsets = {0, 2, 2, 3},
                    .columns = {0, 2, 1},
                    .values = {4.8f, 5, 1e-7f}};
  return ratings;
}

class WriteWide : public Reading {};

TEST_F(WriteWide, Text) {
  write_wide(small(), folder_ / "f.csv");
  EXPECT_EQ(file_bytes(folder_ / "f.csv"),
            "book,u,\"v\n\",w\n7,4.8,,5\n\"a,b\",,,\n\"say \"\"x\"\"\",,1e-07,\n");
}

TEST_F(WriteWide, GzipByName) {
  write_wide(small(), folder_ / "f.csv.gz");
  EXPECT_EQ(file_bytes(folder_ / "f.csv.gz").substr(0, 2), "\x1F\x8B");
  EXPECT_TRUE(same_ratings(read_ratings(folder_ / "f.csv.gz", kAsWide), small()));
  const std::string once = file_bytes(folder_ / "f.csv.gz");
  write_wide(small(), folder_ / "f.csv.gz");
  EXPECT_EQ(file_bytes(folder_ / "f.csv.gz"), once) << "no time of day in it";
}

TEST_F(WriteWide, AWideMatrixOfNothing) {
  Ratings ratings;
  ratings.matrix.n_rows = 1;
  ratings.matrix.n_columns = 300000;
  ratings.matrix.row_offsets = {0, 0};
  ratings.row_ids.add("r");
  for (int i = 0; i < 300000; ++i) ratings.column_ids.add(std::to_string(i));
  write_wide(ratings, folder_ / "f");
  EXPECT_TRUE(same_ratings(read_ratings(folder_ / "f"), ratings));
}

TEST_F(WriteWide, NowhereToWrite) {
  const std::string text = error_text([&] { write_wide(small(), folder_ / "nowhere" / "f.csv"); });
  EXPECT_NE(text.find("f.csv"), std::string::npos) << text;
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace hourglass::test
