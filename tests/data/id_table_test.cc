#include "data/id_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace hourglass::test {
namespace {

std::vector<std::string> sorted(const std::vector<std::string>& ids) {
  IdList list;
  for (const auto& id : ids) list.add(id);
  std::vector<std::string> result;
  for (const auto index : sorted_order(list)) result.emplace_back(list[index]);
  return result;
}

using Ids = std::vector<std::string>;

TEST(SortedOrder, NumbersAndBytes) {
  EXPECT_EQ(sorted({"10", "9", "-2", "-10", "0"}), (Ids{"-10", "-2", "0", "9", "10"}));
  EXPECT_EQ(sorted({"10", "9", "x"}), (Ids{"10", "9", "x"}));
  EXPECT_EQ(sorted({"10", "9", "1.5"}), (Ids{"1.5", "10", "9"}));
  EXPECT_EQ(sorted({"10", "9", "+1"}), (Ids{"+1", "10", "9"})) << "no program writes the plus";
  EXPECT_EQ(sorted({"07", "7", "007", "6"}), (Ids{"6", "7", "07", "007"}));
  EXPECT_EQ(sorted({"-0", "0", "-1"}), (Ids{"-1", "0", "-0"}));
  EXPECT_EQ(sorted({"\xFF", "a", "Z"}), (Ids{"Z", "a", "\xFF"})) << "bytes have no sign";
  EXPECT_EQ(sorted({}), Ids{});
}

TEST(SortedOrder, NumbersBeyond64Bits) {
  const std::string huge = "1" + std::string(30, '0');
  EXPECT_EQ(sorted({huge, "-" + huge, "5", "-5", "00" + huge, huge + "1", "-", "0"}).front(), "-")
      << "a lone minus is no number";
  EXPECT_EQ(
      sorted({huge + "0", huge, "-" + huge, "5", "-5", "00" + huge, "-" + huge + "0", "0", "-0"}),
      (Ids{"-" + huge + "0", "-" + huge, "-5", "0", "-0", "5", huge, "00" + huge, huge + "0"}));
}

TEST(IdTable, NumbersIdsAsTheyCome) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    IdTable table;
    std::unordered_map<std::string, std::int32_t> expected;
    for (int i = 0; i < 5000; ++i) {
      std::string id = std::to_string(random() % (seed % 2 == 0 ? 3000 : 4000000000u));
      if (random() % 4 == 0) id.insert(0, random() % 20, '0');
      if (random() % 4 == 0) id += static_cast<char>(random() % 256);
      const auto next = static_cast<std::int32_t>(expected.size());
      const auto [place, added] = expected.emplace(id, next);
      const auto entry = table.insert(id);
      ASSERT_EQ(entry.index, place->second) << id;
      ASSERT_EQ(entry.added, added) << id;
      ASSERT_EQ(table.ids()[entry.index], id);
    }
    EXPECT_EQ(table.ids().size(), static_cast<std::int64_t>(expected.size()));
  }
}

TEST(IdTable, KnowsTheNumbersThatItLooksUpDirectly) {
  // By no hash: whole numbers below 2^20, as a program writes them. All lengths, and their likes.
  Ids ids = {"0", "7", "42", "314", "1048", "10485", "104857", "1048575"};
  for (const bool with_likes : {false, true}) {
    if (with_likes) {
      for (const char* like : {"", "1048576", "9999999", "00", "07", "0000007", "-7", "+7", "7 ",
                               "/", ":", "4:", "3/4", "104857\xB0", "\xFF", "10485750"}) {
        ids.emplace_back(like);
      }
    }
    std::ranges::reverse(ids);
    IdTable table;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_TRUE(table.insert(ids[i]).added) << ids[i];
      EXPECT_FALSE(table.insert(ids[i]).added) << ids[i];
      EXPECT_EQ(table.insert(ids[i]).index, static_cast<std::int32_t>(i)) << ids[i];
    }
    EXPECT_EQ(table.sorted_order(), sorted_order(table.ids()));
  }
}

TEST(IdTable, HasAnEnd) {
  IdTable table(3);
  table.insert("a");
  table.insert("1");
  table.insert("b");
  EXPECT_EQ(table.insert("1").index, 1);
  EXPECT_THROW(table.insert("2"), std::length_error);
  EXPECT_THROW(table.insert("c"), std::length_error);
}

}  // namespace
}  // namespace hourglass::test
