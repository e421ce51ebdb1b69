#include <sys/stat.h>
#include <unistd.h>

#include "data/reading.h"

namespace hourglass::test {
namespace {

using BadInput = Reading;

const std::string kTakenAsWide =
    " (the file was taken as wide; --format long reads a rating a line)";
const std::string kTakenAsLong = " (the file was taken as long; --format wide reads a row a line)";

TEST_F(BadInput, RaggedRowsOfAWideFile) {
  EXPECT_EQ(error("id,a,b\nx,1,2\ny,1\n", kAsWide),
            "f:3:2: the row ends after 2 of 3 fields; give it as many as the header");
  EXPECT_EQ(error("id,a,b\nx,1,2\ny\n", kAsWide),
            "f:3:1: the row ends after 1 of 3 fields; give it as many as the header");
  EXPECT_EQ(read("id,a,b\nx,1,2\ny,,", kAsWide), "id a b | x 1 2 | y . .") << "a whole last row";
}

TEST_F(BadInput, LongRowsOfAWideFile) {
  EXPECT_EQ(error("id,a,b\nx,1,2,3\n"),
            "f:2:4: the row goes on after 3 fields; give it as many as the header" + kTakenAsWide);
  EXPECT_EQ(error("id,a,b\nx,,,\n"),
            "f:2:4: the row goes on after 3 fields; give it as many as the header" + kTakenAsWide);
  EXPECT_EQ(error("id,a,b\nx,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,1\n", kAsWide),
            "f:2:4: the row goes on after 3 fields; give it as many as the header");
}

TEST_F(BadInput, RaggedLinesOfALongFile) {
  EXPECT_EQ(
      error("u,i,rating\na,b,1\na,b\n"),
      "f:3:2: the line ends after 2 of 3 fields; give it as many as the first line" + kTakenAsLong);
  EXPECT_EQ(error("u,i,rating\na,b,1,9\n", kAsLong),
            "f:2:4: the line goes on after 3 fields; give it as many as the first line");
  EXPECT_EQ(error("u,i\na,b\n", kAsLong),
            "f:1:1: the first line has 2 of the 3 fields row id, column id and value, separated by "
            "commas, tabs, semicolons or :: (--separator says which)");
}

TEST_F(BadInput, ValuesThatAreNoNumbers) {
  const std::string wide = "; leave the field empty where there is no rating";
  EXPECT_EQ(error("id,a,b\nx,1,2\ny,,good\n", kAsWide), "f:3:3: 'good' is no number" + wide);
  EXPECT_EQ(error("id,a,b\r\nx,1 2,2\r\n", kAsWide), "f:2:2: '1 2' is no number" + wide);
  EXPECT_EQ(error("id,a,b\nx,0x10,2\n", kAsWide), "f:2:2: '0x10' is no number" + wide);
  EXPECT_EQ(error("id,a,b\nx, ,2\n", kAsWide), "f:2:2: ' ' is no number" + wide);
  EXPECT_EQ(error("id;a;b\nx;1,5;2\n", kAsWide),
            "f:2:2: '1,5' is no number; write decimals with a point" + wide);
  EXPECT_EQ(error("id,a,b\nx,nan,2\n", kAsWide),
            "f:2:2: 'nan' is no rating; a rating is a finite number" + wide);
  EXPECT_EQ(error("id,a,b\nx,1,-inf\n", kAsWide),
            "f:2:3: '-inf' is no rating; a rating is a finite number" + wide);
  EXPECT_EQ(error("id,a,b\nx,Infinity,2\n", kAsWide),
            "f:2:2: 'Infinity' is no rating; a rating is a finite number" + wide);
  EXPECT_EQ(error("id,a,b\nx,1,1e39\n", kAsWide),
            "f:2:3: '1e39' is too large for a rating (at most 3.4e38)" + wide);
  EXPECT_EQ(error("id,a,b\nx,1,1e999\n", kAsWide),
            "f:2:3: '1e999' is too large for a rating (at most 3.4e38)" + wide);
  EXPECT_EQ(error(std::string("id,a,b\nx,1,\x1B[31m").append(60, 'y') + "\n", kAsWide),
            std::string("f:2:3: '\\x1B[31m").append(35, 'y') + "...' is no number" + wide);

  const std::string in_long = "; delete the line where there is no rating" + kTakenAsLong;
  EXPECT_EQ(error("u,i,rating\na,b,1\na,c,\n"), "f:3:3: '' is no number" + in_long);
  EXPECT_EQ(error("u,i,rating,t\na,b,NaN,1\n"),
            "f:2:3: 'NaN' is no rating; a rating is a finite number" + in_long);
  EXPECT_EQ(error("1,2,3\n1,3,x\n", kAsLong).substr(0, 24), "f:2:3: 'x' is no number;");
  EXPECT_EQ(error("1,2,x\n1,3,4\n", kAsLong).substr(0, 24), "f:1:3: 'x' is no number;")
      << "no header: it has numbers";
}

TEST_F(BadInput, DuplicateIdsOfAWideFile) {
  EXPECT_EQ(error("id,a,b,a\nx,1,2,3\n"),
            "f:1:4: column id 'a' is in the header twice (first as field 2); ids are unique in a "
            "wide file" +
                kTakenAsWide);
  EXPECT_EQ(error("id,a,b\nx,1,2\ny,,\n\"x\",,1\n", kAsWide),
            "f:4:1: row id 'x' is there twice (first as row 1 below the header); ids are unique in "
            "a wide file");
}

TEST_F(BadInput, EmptyIds) {
  const std::string what = "the id is empty; give each row and each column an id";
  EXPECT_EQ(error("id,a,,c\nx,1,2,3\n"), "f:1:3: " + what);
  EXPECT_EQ(error("id,a,b,\nx,1,2,3\n"), "f:1:4: " + what);
  EXPECT_EQ(error("id,a,b\n,1,2\n"), "f:2:1: " + what);
  EXPECT_EQ(error("u,i,rating\n,b,1\n"), "f:2:1: " + what);
  EXPECT_EQ(error("u,i,rating\na,b,1\na,\"\",1\n"), "f:3:2: " + what);
}

TEST_F(BadInput, EmptyFiles) {
  const std::string wide = "the file is empty; it needs a header and rows";
  EXPECT_EQ(error(""), "f:1:1: " + wide);
  EXPECT_EQ(error("\xEF\xBB\xBF"), "f:1:1: " + wide);
  EXPECT_EQ(error("\n\r\n\n"), "f:4:1: " + wide);
  EXPECT_EQ(error("\r"), "f:1:1: " + wide);
  EXPECT_EQ(error("", kAsLong),
            "f:1:1: the file is empty; it needs a line for each rating: row id, column id, value");
}

TEST_F(BadInput, AHeaderAlone) {
  const std::string wide =
      "no rows follow the header; add a line for each row: its id, then its ratings";
  EXPECT_EQ(error("id,a,b\n"), "f:2:1: " + wide);
  EXPECT_EQ(error("id,a,b"), "f:1:1: " + wide);
  EXPECT_EQ(error("id,a,b\n\n\n"), "f:4:1: " + wide);
  const std::string in_long =
      "no ratings follow the header; add a line for each: row id, column id, value";
  EXPECT_EQ(error("user,item,rating\n"), "f:2:1: " + in_long);
  EXPECT_EQ(error("userId,movieId,rating,timestamp"), "f:1:1: " + in_long);
  EXPECT_EQ(
      error("id\nx\n"),
      "f:1:1: the header names no columns; a wide file starts with a name for the rows and "
      "then the column ids, separated by commas, tabs or semicolons (--separator says which)");
}

TEST_F(BadInput, QuotesThatDoNotClose) {
  EXPECT_EQ(error("id,a,b\nx,1,2\ny,\"3,4\nz,5,6\n", kAsWide),
            "f:3:2: the quote that opens here is never closed; close it, or double the quotes "
            "inside");
  EXPECT_EQ(error("id,a,b\nx,\"1\"2,3\n", kAsWide),
            "f:2:2: text follows the closing quote; quote the whole field and double the quotes "
            "inside");
  EXPECT_EQ(error("id,\"a\nb\nc\",\"d\"\"\"e\nx,1,2\n", kAsWide).substr(0, 7), "f:3:3: ")
      << "lines inside quotes count";
  put_bytes(folder_ / "f", std::string("id,a,b\nx,\"").append(3 << 20, '\n'));
  EXPECT_EQ(error_of((folder_ / "f").string()),
            "f:2:2: a field of more than 1048576 bytes; is a quote left open, or is this no text?");
}

TEST_F(BadInput, ATruncatedGzipStream) {
  const std::string packed = gzip("id,a,b\nx,1,2\ny,3,4\n");
  const std::string cut =
      "the gzip stream ends early here: the file was cut off; fetch or write it "
      "again";
  for (std::size_t size = 2; size < packed.size(); ++size) {
    put_bytes(folder_ / "f", packed.substr(0, size));
    const std::string message = error_of((folder_ / "f").string());
    EXPECT_TRUE(message.ends_with(cut)) << size << ": " << message;
  }
  put_bytes(folder_ / "f", packed.substr(0, packed.size() - 1));
  EXPECT_EQ(error_of((folder_ / "f").string()), "f:4:1: " + cut) << "behind the last line";
  put_bytes(folder_ / "f", packed.substr(0, packed.size() - 9));
  for (const std::size_t block : kBlockSizes) {
    ReadOptions options;
    options.block_bytes = block;
    EXPECT_TRUE(error_of((folder_ / "f").string(), options).ends_with(cut)) << block;
  }
  put_bytes(folder_ / "f", packed.substr(0, 1));
  EXPECT_NE(error_of((folder_ / "f").string()), "");
}

TEST_F(BadInput, ACorruptedGzipStream) {
  const std::string text = "id,a,b\nx,1,2\ny,3,4\nz,3,5\nw,1,1\n";
  const std::string packed = gzip(text);
  // Whichever byte of the body or of the checksum flips, the file is refused.
  for (std::size_t i = 10; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    put_bytes(folder_ / "f", damaged);
    EXPECT_TRUE(error_of((folder_ / "f").string()).starts_with("f:")) << i;
  }
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;
  put_bytes(folder_ / "f", damaged);
  EXPECT_EQ(error_of((folder_ / "f").string()),
            "f:6:1: the gzip stream is corrupted here (incorrect data check); fetch or write it "
            "again");
  put_bytes(folder_ / "f", packed + "more");
  EXPECT_EQ(error_of((folder_ / "f").string()),
            "f:6:1: the gzip stream is followed by other bytes; fetch or write the file again");
  put_bytes(folder_ / "f", packed + std::string(3, '\0') + packed);
  EXPECT_TRUE(error_of((folder_ / "f").string()).starts_with("f:6:1: the gzip stream is followed"));
}

TEST_F(BadInput, FilesThatCannotBeRead) {
  EXPECT_EQ(error_of((folder_ / "nowhere.csv").string()),
            "nowhere.csv: cannot be read: No such file or directory; check the name and its "
            "permissions");
  std::filesystem::create_directory(folder_ / "d");
  EXPECT_EQ(error_of((folder_ / "d").string()), "d: is a directory; name a file of ratings");
  if (::geteuid() == 0) return;  // root may read anything
  put_bytes(folder_ / "locked", "id,a\nx,1\n");
  ::chmod((folder_ / "locked").c_str(), 0);
  EXPECT_TRUE(error_of((folder_ / "locked").string()).starts_with("locked: cannot be read: Perm"));
}

TEST_F(BadInput, FilesThatAreNoText) {
  const std::string binary =
      "this is no text (a byte is 0); name a CSV file of ratings, gzip or not";
  EXPECT_EQ(error(std::string("ab\0cd", 5)), "f:1:1: " + binary);
  EXPECT_EQ(error(std::string("id,a\nx,\0\n", 9)), "f:2:2: " + binary);
  EXPECT_EQ(error(std::string(100000, '\0'), {}), "f:1:1: " + binary);
  const auto is = [&](std::string_view head) {
    put_bytes(folder_ / "f", std::string(head) + std::string(100, 'x'));
    return error_of((folder_ / "f").string());
  };
  EXPECT_EQ(is({"PK\3\4", 4}), "f:1:1: this is a zip archive; unpack it first");
  EXPECT_EQ(is("\x28\xB5\x2F\xFD"), "f:1:1: this is zstd; unpack it first (zstd -d)");
  EXPECT_EQ(is("PAR1"), "f:1:1: this is Parquet; export it as CSV");
  EXPECT_EQ(is("\xFF\xFE"), "f:1:1: this is UTF-16 text; save it as UTF-8");
  // Far behind the beginning, in an id.
  std::string late = "id,a\n";
  for (int i = 0; i < 60000; ++i) late += "r" + std::to_string(i) + ",1\n";
  put_bytes(folder_ / "f", late + std::string("b\0d,1\n", 6));
  EXPECT_EQ(error_of((folder_ / "f").string()),
            "f:60002:1: an id holds a byte that is 0, so this is no text; name a CSV file of "
            "ratings");
}

TEST_F(BadInput, ALongFileWhoseFirstLineDoesNotEnd) {
  put_bytes(folder_ / "f", std::string(200000, 'x'));
  EXPECT_EQ(error_of((folder_ / "f").string(), kAsLong),
            "f:1:1: the first line is too long for a rating a line");
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "a,";
  put_bytes(folder_ / "f", many + "a\n");
  EXPECT_EQ(error_of((folder_ / "f").string(), kAsLong),
            "f:1:1: the first line is too long for a rating a line");
}

TEST_F(BadInput, AnUnknownSeparator) {
  ReadOptions options;
  options.separator = "|";
  EXPECT_EQ(error("id,a\nx,1\n", options), "no separator '|'; there are , tab ; and ::");
}

}  // namespace
}  // namespace hourglass::test
