#include <gtest/gtest.h>

#include <string>

#include "hourglass/model/model_file.h"
#include "support/error_text.h"

namespace hourglass {
namespace {

using test::error_text;

TEST(ColumnIds, AreBytesAndComeBackAsTheyWere) {
  IdList ids;
  for (const std::string& id :
       {std::string("0002155400"), std::string(), std::string("a,\"b\"\\"),
        std::string("B\xc3\xbc"), std::string("B\xfc\x00\x09", 4), std::string("\0", 1),
        std::string("\xed\xa0\x80"), std::string("{\"hex\":\"00\"}"), std::string("\n")}) {
    ids.add(id);
  }
  EXPECT_EQ(column_ids_from_json(column_ids_to_json(ids)), ids);
  EXPECT_EQ(column_ids_from_json("[]"), IdList());
}

TEST(ColumnIds, StandAsPlainStringsWhereTheyAreUtf8) {
  IdList ids;
  ids.add("007");
  ids.add("B\xfc");
  ids.add("");
  EXPECT_EQ(column_ids_to_json(ids), R"(["007",{"hex":"42fc"},""])");
}

TEST(ColumnIds, RefuseEveryOtherText) {
  using std::string_literals::operator""s;
  for (const std::string& text : {""s,
                                  "["s,
                                  "{}"s,
                                  "\"a\""s,
                                  "[1]"s,
                                  "[null]"s,
                                  "[[\"a\"]]"s,
                                  "[\"a\"] []"s,
                                  "[\"a\"],"s,
                                  R"([{"hex":1}])"s,
                                  R"([{"hex":"0"}])"s,
                                  R"([{"hex":"0g"}])"s,
                                  R"([{"hex":"+1"}])"s,
                                  R"([{"hex":"00","hex":"00"}])"s,
                                  R"([{}])"s,
                                  R"([{"hexx":"00"}])"s,
                                  R"([{"hex":["00"]}])"s,
                                  "[\"\xff\"]"s,
                                  "[\"a\"]\0x"s,
                                  std::string(100'000, '['),
                                  "[{\"hex\":"s}) {
    EXPECT_FALSE(error_text([&] { column_ids_from_json(text); }).empty()) << text.substr(0, 50);
  }
}

}  // namespace
}  // namespace hourglass
