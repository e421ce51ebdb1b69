#include <cstdlib>

#include "data/reading.h"
#include "hourglass/data/digest.h"

namespace hourglass::test {
namespace {

std::filesystem::path data_folder() {
  if (const char* named = std::getenv("HOURGLASS_DATA")) return named;
  if (std::filesystem::exists(HOURGLASS_DATA)) return HOURGLASS_DATA;
  return {};
}

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (data_folder().empty()) GTEST_SKIP() << "skipped: no data";
  }
  static Ratings read(const char* name, const ReadOptions& options = {}) {
    return read_ratings(data_folder() / name, options);
  }
};

TEST_F(RealData, GoodbooksWideIsGoodbooksLong) {
  const Ratings wide = read("goodbooks/wide.csv.gz");
  EXPECT_EQ(wide.format, RatingsFormat::kWide);
  EXPECT_EQ(wide.matrix.n_rows, 10000);
  EXPECT_EQ(wide.matrix.n_columns, 53424);
  EXPECT_EQ(wide.matrix.n_entries(), 979478);
  EXPECT_EQ(wide.row_name, "book_id");
  const Ratings lines = read("goodbooks/ratings.csv.gz");
  EXPECT_EQ(lines.format, RatingsFormat::kLong);
  EXPECT_EQ(lines.pairs_repeated, 2278);
  EXPECT_EQ(lines.row_name, "book_id");
  EXPECT_TRUE(same_ratings(wide, lines));
  EXPECT_EQ(digest(wide), digest(lines));
}

TEST_F(RealData, MovieLensWideIsMovieLensLongTransposed) {
  const Ratings wide = read("ml-latest-small/wide.csv.gz");
  EXPECT_EQ(wide.matrix.n_rows, 9724);
  EXPECT_EQ(wide.matrix.n_columns, 610);
  EXPECT_EQ(wide.matrix.n_entries(), 100836);
  ReadOptions options;
  options.transpose = true;
  EXPECT_TRUE(same_ratings(read("ml-latest-small/ratings.csv", options), wide));
  const Ratings lines = read("ml-latest-small/ratings.csv");
  EXPECT_EQ(lines.matrix.n_rows, 610);
  EXPECT_EQ(lines.row_name, "userId");
  EXPECT_TRUE(same_ratings(read("ml-latest-small/wide.csv.gz", options), lines));
}

}  // namespace
}  // namespace hourglass::test
