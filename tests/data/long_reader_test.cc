#include "data/reading.h"

namespace hourglass::test {
namespace {

using Long = Reading;

TEST_F(Long, SortsIdsAsNumbersWhereAllAreWholeNumbers) {
  EXPECT_EQ(read("book_id,user_id,rating\n10,b,1\n9,a,2\n-3,b10,3\n9,b9,4\n"),
            "book_id a b b10 b9 | -3 . . 3 . | 9 2 . . 4 | 10 . 1 . .");
  EXPECT_EQ(last_.format, RatingsFormat::kLong);
  EXPECT_EQ(read("user,item,rating\n10,7,1\n9x,007,2\n9,10,3\n"),
            "user 7 007 10 | 10 1 . . | 9 . . 3 | 9x . 2 .");
}

TEST_F(Long, Dialects) {
  const char* expected = "row 1 20 | 3 . 5 | 4 2.5 4";
  EXPECT_EQ(read("4,1,2.5\n3,20,5\n4,20,4\n"), expected);
  EXPECT_EQ(read("4,1,2.5,99\r\n3,20,5,98\r\n4,20,4,97"), expected);
  EXPECT_EQ(read("4::1::2.5::99\n3::20::5::98\n4::20::4::97\n"), expected);
  EXPECT_EQ(read("4::1::2.5\n3::20::5\n4::20::4"), expected);
  EXPECT_EQ(read("4\t1\t2.5\t881250949\n3\t20\t5\t881250949\n4\t20\t4\t881250949\n"), expected);
  EXPECT_EQ(read("\"4\";\"1\";\"2.5\"\n\"3\";\"20\";\"5\"\n\n\"4\";\"20\";\"4\"\n"), expected);
  const char* named = "userId 1 20 | 3 . 5 | 4 2.5 4";
  EXPECT_EQ(read("userId,movieId,rating,timestamp\n4,1,2.5,9\n3,20,5,9\n4,20,4,9\n"), named);
  EXPECT_EQ(read("\xEF\xBB\xBFuserId\tmovieId\trating\n4\t1\t2.5\n3\t20\t5\n4\t20\t4"), named);
  EXPECT_EQ(read("userId::movieId::rating\r\n4::1::2.5\r\n3::20::5\r\n4::20::4\r\n"), named);
  EXPECT_EQ(read("userId,movieId,note,rating\n4,1,\"a,\n\"\"b\"\"\",2.5\n3,20,,5\n4,20,x,4\n"),
            named);
}

TEST_F(Long, ASingleColonBelongsToAField) {
  EXPECT_EQ(read("a:b::c::4\n:x::y::3\n"), "row c y | :x . 3 | a:b 4 .");
}

TEST_F(Long, RepeatedPairs) {
  const char* text = "u,i,rating\na,x,5\nb,x,1\na,x,2\na,y,3\na,x,3.5\n";
  EXPECT_EQ(read(text), "u x y | a 3.5 3 | b 1 .");
  EXPECT_EQ(last_.pairs_repeated, 2);
  ReadOptions options;
  options.repeated = RepeatedPairs::kLast;
  EXPECT_EQ(read("u,i,rating\na,x,5\na,x,2\nb,x,7\na,x,4\n", options), "u x | a 4 | b 7");
  EXPECT_EQ(last_.pairs_repeated, 2);
  options.repeated = RepeatedPairs::kError;
  EXPECT_EQ(read("u,i,rating\na,x,5\na,y,2\n", options), "u x y | a 5 2");
  EXPECT_EQ(error(text, options),
            "f:4:2: row 'a' and column 'x' were rated on line 2 already; delete one of the lines, "
            "or choose --repeated mean or last");
  options.transpose = true;
  EXPECT_TRUE(
      error(text, options).starts_with("f:4:2: row 'a' and column 'x' were rated on line 2"));
}

TEST_F(Long, TheMeanIsTakenInDouble) {
  read("u,i,rating\na,x,4.1\na,x,4.3\na,y,5\na,y,5\na,y,4\n");
  EXPECT_EQ(last_.matrix.values, (std::vector<float>{4.2f, 4.6666665f}));
  // In float the two ones would be lost in the sum.
  read("u,i,rating\na,x,16777216\na,x,1\na,x,1\n");
  EXPECT_EQ(last_.matrix.values, (std::vector<float>{static_cast<float>(16777218.0 / 3)}));
}

TEST_F(Long, ZerosAreDroppedAfterTheMean) {
  const char* text = "u,i,rating\na,x,0\nb,x,4\nb,x,0\nc,y,1\nc,y,-1\nd,y,-0.0\n";
  EXPECT_EQ(read(text), "u x y | a . . | b 2 . | c . . | d . .");
  EXPECT_EQ(last_.zeros_dropped, 3);
  ReadOptions options;
  options.keep_zeros = true;
  EXPECT_EQ(read(text, options), "u x y | a 0 . | b 2 . | c . 0 | d . 0");
  EXPECT_EQ(last_.zeros_dropped, 0);
}

TEST_F(Long, Transposes) {
  ReadOptions options;
  options.transpose = true;
  EXPECT_EQ(read("user,item,rating\n1,x,5\n2,y,4\n1,y,3\n", options), "item 1 2 | x 5 . | y 3 4");
}

TEST_F(Long, ChoosesColumns) {
  const char* expected = "item a b | x 5 . | y . 4";
  EXPECT_EQ(read("when,stars,item,user\n9,5,x,a\n8,4,y,b\n",
                 [] {
                   ReadOptions o;
                   o.row_column = "item";
                   o.column_column = "user";
                   o.value_column = "stars";
                   return o;
                 }()),
            expected);
  EXPECT_EQ(read("when,stars,item,user\n9,5,x,a\n8,4,y,b\n",
                 [] {
                   ReadOptions o;
                   o.row_column = "3";
                   o.column_column = "4";
                   return o;
                 }()),
            expected);
  ReadOptions numbers;
  numbers.row_column = "2";
  EXPECT_EQ(read("a,x,5\nb,y,4\n", numbers), "row a b | x 5 . | y . 4");
  // A header may name its columns with numbers, and then the name wins.
  ReadOptions named;
  named.value_column = "1";
  EXPECT_EQ(read("3,2,1\nr,c,5\n", named), "3 c | r 5");
  // A value's name wins over the third place.
  EXPECT_EQ(read("user_id,when,book_id,rating\nu,8,b,4\n"), "user_id 8 | u 4");
}

TEST_F(Long, ChoosesColumnsInVain) {
  ReadOptions options;
  options.row_column = "film";
  EXPECT_EQ(error("user,item,rating\n1,2,3\n", options),
            "f:1:1: no row column 'film'; the header is 'user, item, rating'");
  options.row_column = "4";
  EXPECT_EQ(error("1,2,3\n", options),
            "f:1:1: no row column '4'; the file has no header; give a number from 1 to 3");
  options.row_column = "1";
  options.column_column = "1";
  EXPECT_EQ(error("1,2,3\n", options),
            "the row, the column and the value column must be three different ones");
  EXPECT_THROW(read_ratings(folder_ / "f", options), UsageError);
  options.format = RatingsFormat::kWide;
  EXPECT_EQ(error("1,2,3\n", options),
            "only a long file has a row, a column and a value column; a wide one has none");
}

}  // namespace
}  // namespace hourglass::test
