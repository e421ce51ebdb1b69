#include "report/svg.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace hourglass {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

TEST(SvgTest, EscapesWhatXmlReserves) {
  EXPECT_EQ(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escaped("Zoë – 本 🎬"), "Zoë – 本 🎬");
  EXPECT_EQ(escaped("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(escaped(""), "");
}

TEST(SvgTest, ReplacesWhatIsNoUtf8OrNoCharacterOfXml) {
  const std::string r = kReplacement;
  EXPECT_EQ(escaped(std::string("a\0b", 3)), "a" + r + "b");
  EXPECT_EQ(escaped("\x01\x1f"), r + r);
  EXPECT_EQ(escaped("\xff<"), r + "&lt;");
  EXPECT_EQ(escaped("caf\xe9!"), "caf" + r + "!") << "Latin-1, whose next byte is kept";
  EXPECT_EQ(escaped("\xe2\x82"), r + r) << "cut short";
  EXPECT_EQ(escaped("\xc0\xaf"), r + r) << "an overlong slash";
  EXPECT_EQ(escaped("\xed\xa0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(escaped("\xef\xbf\xbe"), r + r + r) << "U+FFFE";
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(escaped("\xf4\x8f\xbf\xbd"), "\xf4\x8f\xbf\xbd");
}

TEST(SvgTest, ShortensBetweenCharacters) {
  EXPECT_EQ(shortened("short", 100), "short");
  const std::string names = "本本本本本本本本本本";
  const std::string cut = shortened(names, 60);
  EXPECT_LT(cut.size(), names.size());
  EXPECT_LE(text_width(cut), 60);
  EXPECT_EQ(escaped(cut).find(kReplacement), std::string::npos) << cut;
  EXPECT_TRUE(cut.ends_with("…")) << cut;
}

TEST(SvgTest, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(-123), "-123");
  EXPECT_EQ(grouped(std::numeric_limits<std::int64_t>::max()), "9,223,372,036,854,775,807");
}

TEST(SvgTest, NeighbouringSeriesDifferInColourAndDashes) {
  for (std::size_t i = 0; i < 60; ++i) {
    const std::string one = series_classes(i), next = series_classes(i + 1);
    EXPECT_NE(one.substr(0, one.find(' ')), next.substr(0, next.find(' ')));
    EXPECT_NE(one.substr(one.find(' ')), next.substr(next.find(' ')));
  }
  EXPECT_NE(series_classes(0), series_classes(8)) << "the colour comes again with other dashes";
}

}  // namespace
}  // namespace hourglass
