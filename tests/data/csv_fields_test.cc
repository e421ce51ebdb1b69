#include "data/csv_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "data/byte_source.h"
#include "support/error_text.h"

namespace hourglass::test {
namespace {

using Records = std::vector<std::vector<std::string>>;

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* to, std::size_t size) override {
    const std::size_t n = text_.copy(to, size, at_);
    at_ += n;
    return n;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

Records records_of(const std::string& text, std::size_t block, Separator separator,
                   bool skip_empty) {
  BlockStream stream(std::make_unique<TextSource>(text), block);
  CsvFields fields("f", &stream, {}, separator);
  Records records;
  while (fields.begin_record()) {
    records.emplace_back();
    do {
      if (skip_empty) fields.skip_empty();
      const std::string field(fields.next());
      records.back().resize(static_cast<std::size_t>(fields.column()));  // the skipped are empty
      records.back().back() = field;
    } while (!fields.record_ended());
  }
  return records;
}

Records records_of(const std::string& text, Separator separator = {}) {
  const Records expected = records_of(text, 1 << 18, separator, false);
  for (std::size_t block = 1; block < 40; ++block) {
    for (const bool skip_empty : {false, true}) {
      EXPECT_EQ(records_of(text, block, separator, skip_empty), expected)
          << "blocks of " << block << (skip_empty ? ", skipping" : "");
    }
  }
  return expected;
}

TEST(CsvFields, Rfc4180) {
  EXPECT_EQ(records_of("a,b,c"), (Records{{"a", "b", "c"}}));
  EXPECT_EQ(records_of("a,,\n,b,\n,,c\n"), (Records{{"a", "", ""}, {"", "b", ""}, {"", "", "c"}}));
  EXPECT_EQ(records_of("a\r\nb\r\n\r\n\nc\r"), (Records{{"a"}, {"b"}, {"c"}}));
  EXPECT_EQ(records_of("\"a,\"\"b\"\"\r\nc\",\"\"\r\n\"\",x"),
            (Records{{"a,\"b\"\r\nc", ""}, {"", "x"}}));
  EXPECT_EQ(records_of("a\rb,c\r,d\r\n"), (Records{{"a\rb", "c\r", "d"}}));
  EXPECT_EQ(records_of(","), (Records{{"", ""}}));
  EXPECT_EQ(records_of("\"\""), (Records{{""}}));
  EXPECT_EQ(records_of("\"a\"\r"), (Records{{"a"}}));
  EXPECT_EQ(records_of(""), Records{});
}

TEST(CsvFields, DoubledSeparator) {
  const Separator colons{':', true};
  EXPECT_EQ(records_of("a::b\n::\n\"x::y\"::\"z\"\r\n", colons),
            (Records{{"a", "b"}, {"", ""}, {"x::y", "z"}}));
  EXPECT_EQ(records_of("a:b::c:\n:", colons), (Records{{"a:b", "c:"}, {":"}}));
  EXPECT_EQ(records_of("a::::b", colons), (Records{{"a", "", "b"}}));
}

std::string written(const Records& records, std::mt19937& random, const std::string& separator) {
  std::string text;
  const char* const newline = random() % 2 == 0 ? "\n" : "\r\n";
  for (std::size_t r = 0; r < records.size(); ++r) {
    for (std::size_t i = 0; i < records[r].size(); ++i) {
      const std::string& field = records[r][i];
      const bool must = field.find_first_of(",;:\t\"\r\n") != std::string::npos ||
                        (field.empty() && records[r].size() == 1);
      if (i > 0) text += separator;
      if (!must && random() % 3 != 0) {
        text += field;
        continue;
      }
      text += '"';
      for (const char c : field) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    if (r + 1 < records.size() || random() % 2 == 0) text += newline;
  }
  return text;
}

TEST(CsvFields, ReadsWhatItsGrammarWrites) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    constexpr std::string_view kBytes = "ab1,;:\t\"\r\n";
    Records records(random() % 6);
    for (auto& record : records) {
      record.resize(1 + random() % 6);
      for (auto& field : record) {
        for (auto n = random() % 5; n > 0; --n) field += kBytes[random() % kBytes.size()];
      }
    }
    const char* separators[] = {",", "\t", ";", "::"};
    const std::string separator = separators[random() % 4];
    EXPECT_EQ(records_of(written(records, random, separator),
                         Separator{separator[0], separator.size() == 2}),
              records);
    if (HasFailure()) break;
  }
}

TEST(CsvFields, KnowsWhereItIs) {
  BlockStream stream(std::make_unique<TextSource>("\n\na,,,b\n\"c\nd\",e\n"), 2);
  CsvFields fields("f", &stream, {}, {});
  ASSERT_TRUE(fields.begin_record());
  EXPECT_EQ(fields.next(), "a");
  EXPECT_EQ(fields.line(), 3);
  while (!fields.record_ended()) {
    fields.skip_empty();
    const bool is_b = fields.next() == "b";
    EXPECT_EQ(fields.column() == 4, is_b);
  }
  ASSERT_TRUE(fields.begin_record());
  EXPECT_EQ(fields.next(), "c\nd");
  EXPECT_EQ(fields.line(), 4) << "where the field begins";
  EXPECT_EQ(fields.next(), "e");
  EXPECT_EQ(fields.line(), 5);
  EXPECT_EQ(error_text([&] { fields.fail("wrong"); }), "f:5:2: wrong");
  EXPECT_FALSE(fields.begin_record());
  EXPECT_EQ(fields.line(), 6);
}

TEST(BlockStream, StopsBeforeItsEnd) {
  // The producer waits for room; destruction must not wait for it.
  BlockStream stream(std::make_unique<TextSource>(std::string(100000, 'x')), 10);
  EXPECT_EQ(stream.next({}), "xxxxxxxxxx");
}

}  // namespace
}  // namespace hourglass::test
