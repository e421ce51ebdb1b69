#include "data/file_form.h"

#include <gtest/gtest.h>

namespace hourglass::test {
namespace {

std::string form_of(std::string_view text, bool whole = true) {
  const FileForm form = recognize_form(text, whole, {});
  EXPECT_TRUE(form.detected);
  return std::string(form.format == RatingsFormat::kWide ? "wide " : "long ") +
         form.separator.byte + (form.separator.doubled ? "2" : "");
}

TEST(FileForm, LongByItsHeader) {
  EXPECT_EQ(form_of("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n"), "long ,");
  EXPECT_EQ(form_of("book_id,user_id,rating\n1,314,5\n"), "long ,");
  EXPECT_EQ(form_of("\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"276725\";\"034545104X\";\"0\"\n"),
            "long ;");
  EXPECT_EQ(form_of("user\titem\tplays\n1\t1\t4\n"), "long \t");
  EXPECT_EQ(form_of("SONG_ID,User,n\n1,1,4\n"), "long ,");
}

TEST(FileForm, LongWithoutHeader) {
  EXPECT_EQ(form_of("1,314,5\n1,439,3\n"), "long ,");
  EXPECT_EQ(form_of("196\t242\t3\t881250949\n186\t302\t3\t891717742\n"), "long \t");
  EXPECT_EQ(form_of("1::1193::5::978300760\n"), "long :2");
  EXPECT_EQ(form_of("alice,matrix,5\nbob,up,4\n"), "long ,");
}

TEST(FileForm, SmallWideFiles) {
  EXPECT_EQ(form_of("book_id,1,2\n1,5,\n2,,3\n"), "wide ,");
  EXPECT_EQ(form_of("book_id,1,2\n1,5,4\n2,3,3\n"), "wide ,") << "no empty cell gives it away";
  EXPECT_EQ(form_of(",1,2\n7,5,4\n8,3,3\n"), "wide ,") << "as pandas writes an unnamed index";
  EXPECT_EQ(form_of("movie,alice,bob\nup,5,4\n"), "wide ,");
  EXPECT_EQ(form_of("id,a\nx,1\n"), "wide ,");
  EXPECT_EQ(form_of("id;a;b\nx;1;\n"), "wide ;");
  EXPECT_EQ(form_of("1,2,3,4,5\n6,7,8,9,10\n"), "wide ,") << "five fields";
}

TEST(FileForm, AFirstLineThatGoesOnIsWide) {
  std::string header = "rating,user,item";
  for (int i = 0; header.size() < kFormBytes; ++i) header += "," + std::to_string(i);
  EXPECT_EQ(form_of(header, false), "wide ,");
}

TEST(FileForm, ACutLineIsNoSample) {
  EXPECT_EQ(form_of("1,2,3\n4,5,6\n7", false), "long ,");
  EXPECT_EQ(form_of("1,2,3\n4,5,6\n7", true), "wide ,");
}

TEST(FileForm, TheSeparatorIsTheMostFrequentOutsideQuotes) {
  EXPECT_EQ(form_of("id,\"a;b;c;d\",e\nx,1,2\n"), "wide ,");
  EXPECT_EQ(form_of("id\ta,b\tc\td\nx\t1\t2\t3\n"), "wide \t");
  EXPECT_EQ(form_of("id\n"), "wide ,");
}

TEST(FileForm, OptionsDecide) {
  ReadOptions options;
  options.format = RatingsFormat::kLong;
  options.separator = ";";
  FileForm form = recognize_form("a,b,c\n", true, options);
  EXPECT_EQ(form.format, RatingsFormat::kLong);
  EXPECT_FALSE(form.detected);
  EXPECT_EQ(form.separator.byte, ';');
  options.format = RatingsFormat::kAuto;
  options.value_column = "n";
  EXPECT_EQ(recognize_form("a,b,n\n", true, options).format, RatingsFormat::kLong);
}

}  // namespace
}  // namespace hourglass::test
