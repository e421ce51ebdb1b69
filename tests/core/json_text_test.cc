#include "hourglass/core/json_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using std::string_literals::operator""s;
using test::error_text;
using test::put_bytes;
using test::TempFolder;

std::string refusal(const std::string& text) {
  return error_text([&] { parse_json(text); });
}

TEST(JsonText, IsParsedWhole) {
  EXPECT_EQ(parse_json(R"( {"a":[1,2.5,"\u00e9",null,true]} )"),
            nlohmann::json({{"a", {1, 2.5, "é", nullptr, true}}}));
  for (const std::string& text : {""s, "{"s, "{}{}"s, "{},"s, "{}\0"s, "{}\0junk"s, "\xff"s,
                                  "\"\xc3\""s, "nan"s, "[1,]"s, "01"s}) {
    EXPECT_EQ(refusal(text), "is not JSON") << text;
  }
}

TEST(JsonText, IsBoundedInDepthValuesAndBytes) {
  EXPECT_EQ(parse_json(std::string(32, '[') + std::string(32, ']')).size(), 1U);
  EXPECT_EQ(refusal(std::string(33, '[') + std::string(33, ']')), "is nested too deep");
  EXPECT_EQ(refusal(std::string(10'000'000, '[')), "is nested too deep");
  const auto list = [](int n, const std::string& value) {
    std::string text = "[";
    for (int i = 0; i < n; ++i) text += (i > 0 ? "," : "") + value;
    return text + "]";
  };
  EXPECT_EQ(parse_json(list(200'000, "0")).size(), 200'000U);
  EXPECT_EQ(refusal(list(500'000, "0")), "has too many values to be ours");
  EXPECT_EQ(refusal(list(300'000, "{}")), "has too many values to be ours");
  EXPECT_EQ(parse_json('"' + std::string(1'000'000, 'x') + '"').get<std::string>().size(),
            1'000'000U);
  EXPECT_EQ(refusal('"' + std::string(17'000'000, 'x') + '"'), "is too large to be ours");
}

TEST(JsonText, AFileIsNamedWithTheAdvice) {
  const TempFolder folder;
  const auto path = folder / "f.json";
  put_bytes(path, R"({"a":1})");
  EXPECT_EQ(read_json_object(path, "make it again"), nlohmann::json({{"a", 1}}));
  put_bytes(path, "[]");
  EXPECT_EQ(error_text([&] { read_json_object(path, "make it again"); }),
            path.string() + ": is not a JSON object; make it again");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  EXPECT_EQ(error_text([&] { read_json_object(path, "make it again"); }),
            path.string() + ": is too large to be ours; make it again");
  std::filesystem::remove(path);
  EXPECT_NE(error_text([&] { read_json_object(path, "make it again"); }).find("cannot read it"),
            std::string::npos);
}

TEST(JsonText, AWholeNumberIsNothingElse) {
  const auto number = [](const std::string& value) {
    return whole_number(parse_json("{\"n\":" + value + "}"), "n");
  };
  EXPECT_EQ(number("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(number("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* value :
       {"9223372036854775808", "1.0", "1e3", "true", "null", "\"1\"", "[1]", "{\"n\":1}"}) {
    EXPECT_EQ(error_text([&] { number(value); }), "has no whole number \"n\"") << value;
  }
  EXPECT_EQ(error_text([] { whole_number(nlohmann::json::array({1}), "n"); }),
            "has no whole number \"n\"");
}

}  // namespace
}  // namespace hourglass
