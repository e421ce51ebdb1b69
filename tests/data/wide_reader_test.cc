#include "data/reading.h"

namespace hourglass::test {
namespace {

using Wide = Reading;

TEST_F(Wide, KeepsItsOwnOrderAndItsEmptyRows) {
  EXPECT_EQ(read("book,9,2,30\nz,4,,1.5\na,,,\nm,,3,\n"),
            "book 9 2 30 | z 4 . 1.5 | a . . . | m . 3 .");
  EXPECT_EQ(last_.format, RatingsFormat::kWide);
  EXPECT_EQ(last_.pairs_repeated, 0);
}

TEST_F(Wide, IdsAreBytes) {
  EXPECT_EQ(read("isbn,007,7,\xC3\xA9,\xFF\n0002155400,1,2,3,4\n2155400,5,,,\n"),
            "isbn 007 7 \xC3\xA9 \xFF | 0002155400 1 2 3 4 | 2155400 5 . . .");
  EXPECT_EQ(read("x, a,a \n b ,1,2\n"), "x  a a  |  b  1 2");
}

TEST_F(Wide, TheCornerMayBeEmpty) {
  EXPECT_EQ(read(",0,1\n0,4,5\n1,,3\n"), "row 0 1 | 0 4 5 | 1 . 3");
}

TEST_F(Wide, OneColumn) { EXPECT_EQ(read("id,a\nx,1\ny,\n"), "id a | x 1 | y ."); }

TEST_F(Wide, ZerosAreNoRatings) {
  const char* text = "id,a,b,c,d\nx,0,0.0,,-0\ny,1,0e5,1e-60,\n";
  EXPECT_EQ(read(text), "id a b c d | x . . . . | y 1 . . .");
  EXPECT_EQ(last_.zeros_dropped, 5);
  ReadOptions keep;
  keep.keep_zeros = true;
  EXPECT_EQ(read(text, keep), "id a b c d | x 0 0 . 0 | y 1 0 0 .");
  EXPECT_EQ(last_.zeros_dropped, 0);
}

TEST_F(Wide, Dialects) {
  const char* expected = "id a b c | x 1 . 2 | y . . . | z . 3 .";
  EXPECT_EQ(read("id,a,b,c\r\nx,1,,2\r\ny,,,\r\nz,,3,\r\n"), expected);
  EXPECT_EQ(read("\xEF\xBB\xBFid,a,b,c\nx,1,,2\ny,,,\nz,,3,"), expected);
  EXPECT_EQ(read("\xEF\xBB\xBFid,a,b,c\r\nx,1,,2\r\ny,,,\r\nz,,3,"), expected);
  EXPECT_EQ(read("id\ta\tb\tc\nx\t1\t\t2\ny\t\t\t\nz\t\t3\t\n"), expected);
  EXPECT_EQ(read("id;a;b;c\nx;1;;2\ny;;;\nz;;3;\n"), expected);
  EXPECT_EQ(read("id::a::b::c\nx::1::::2\ny::::::\nz::::3::\n", kAsWide), expected);
  EXPECT_EQ(read("\n\r\n\nid,a,b,c\n\nx,1,,2\n\r\ny,,,\nz,,3,\n\n\r\n\n"), expected);
  EXPECT_EQ(read("id,a,b,c\nx, 1 ,,+2.0\ny,,,\nz,,3e0,\n"), expected);
}

TEST_F(Wide, QuotedFields) {
  EXPECT_EQ(read("\"id\",\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n"
                 "\"x,\"\"y\",\"1\",\"\",\"2\"\r\nz,,\"3\",\"\""),
            "id a,b say \"hi\" two\nlines | x,\"y 1 . 2 | z . 3 .");
  EXPECT_EQ(read("id,a\"b,\"\"\"\"\nx,1,2\n"), "id a\"b \" | x 1 2");
  EXPECT_EQ(read("id,\"a\r\",b\nx,1,2\n"), "id a\r b | x 1 2");
}

TEST_F(Wide, Transposes) {
  ReadOptions options;
  options.transpose = true;
  EXPECT_EQ(read("book,u,v,w\nb,4,,1\na,,,\nc,2,3,\n", options),
            "row b a c | u 4 . 2 | v . . 3 | w 1 . .");
}

TEST_F(Wide, RunsOfSeparatorsOfEveryLength) {
  // skip_run takes steps of 32, 8 and 1 bytes: a value behind every number of empty fields.
  std::string text = "id";
  std::string expected = "id";
  constexpr int kColumns = 150;
  for (int c = 0; c < kColumns; ++c) {
    text += ",c" + std::to_string(c);
    expected += " c" + std::to_string(c);
  }
  for (int r = 0; r < kColumns; ++r) {
    text += "\nr" + std::to_string(r) + "," + std::string(static_cast<std::size_t>(r), ',') + "5" +
            std::string(static_cast<std::size_t>(kColumns - 1 - r), ',');
    expected += " | r" + std::to_string(r);
    for (int c = 0; c < kColumns; ++c) expected += c == r ? " 5" : " .";
  }
  EXPECT_EQ(read(text), expected);
}

TEST_F(Wide, GzipGoesByContent) {
  const std::string text = "id,a,b,c\nx,1,,2\n";
  put_bytes(folder_ / "ratings.csv", gzip(text));
  put_bytes(folder_ / "ratings.csv.gz", text);
  EXPECT_EQ(drawn(read_ratings(folder_ / "ratings.csv")), "id a b c | x 1 . 2");
  EXPECT_EQ(drawn(read_ratings(folder_ / "ratings.csv.gz")), "id a b c | x 1 . 2");
}

TEST_F(Wide, GzipMembersFollowEachOther) {
  for (const char* padding : {"", "many"}) {
    std::string packed = gzip("id,a,b,c\nx,1") + gzip("") + gzip(",,2\ny,,");
    packed += gzip(",3\n", 0);
    if (*padding != '\0') packed.append(100000, '\0');  // tar and tapes pad with zeros
    put_bytes(folder_ / "f", packed);
    for (const std::size_t block : kBlockSizes) {
      ReadOptions options;
      options.block_bytes = block;
      EXPECT_EQ(drawn(read_ratings(folder_ / "f", options)), "id a b c | x 1 . 2 | y . . 3");
    }
  }
}

TEST_F(Wide, ALongFieldThatSpansBlocks) {
  const std::string id(300000, 'i');
  EXPECT_EQ(drawn([&] {
              put_bytes(folder_ / "f", "id,a,b,c\n" + id + ",1,,2\n\"" + id + "q\",,3,\n");
              ReadOptions options;
              options.block_bytes = 1000;
              return read_ratings(folder_ / "f", options);
            }()),
            "id a b c | " + id + " 1 . 2 | " + id + "q . 3 .");
}

}  // namespace
}  // namespace hourglass::test
