#include "data/rating_value.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>

namespace hourglass::test {
namespace {

double parsed(std::string_view text) {
  double value = NAN;
  std::string why;
  EXPECT_TRUE(parse_rating(text, value, why)) << text << ": " << why;
  return value;
}

TEST(RatingValue, Numbers) {
  EXPECT_EQ(parsed("5"), 5);
  EXPECT_EQ(parsed("4.5"), 4.5);
  EXPECT_EQ(parsed(" \t-.5e1 "), -5);
  EXPECT_EQ(parsed("+3."), 3);
  EXPECT_EQ(parsed("4.666666666666667"), 4.666666666666667) << "a double, for the mean";
}

TEST(RatingValue, NoNumbers) {
  double value = 0;
  std::string why;
  for (const char* text :
       {"",   " ",  "x",   "1x",    "1,5", "--1",    "+-1", "++1",       "+",    "-",     ".",
        "1e", "e5", "0x1", "1_000", "nan", "NAN(1)", "inf", "-Infinity", "1e39", "-1e400"}) {
    why.clear();
    EXPECT_FALSE(parse_rating(text, value, why)) << text;
    EXPECT_NE(why, "") << text;
  }
}

TEST(RatingValue, RoundsToFloatOnce) {
  // 1 + 2^-24 is halfway between two floats; a hair above it, a double no longer sees the hair.
  EXPECT_EQ(static_cast<float>(parsed("1.000000059604644775390625")), 1.0f);
  EXPECT_EQ(static_cast<float>(parsed("1.00000005960464477539062500000001")), 1.00000012f);
  EXPECT_EQ(static_cast<float>(parsed("1.00000017881393432617187499999999")), 1.00000012f);
  std::mt19937_64 random(42);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    const auto value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(static_cast<float>(parsed(fmt::format("{}", value)))),
              bits)
        << value << ", seed 42";
    // Digits at and round the halfway points.
    const double half =
        (static_cast<double>(value) + static_cast<double>(std::nextafter(value, INFINITY))) / 2;
    for (const std::string& text : {fmt::format("{}", half), fmt::format("{:.30e}", half) + "",
                                    fmt::format("{:.16e}", half)}) {
      const float expected = std::strtof(text.c_str(), nullptr);
      if (std::isfinite(expected) && std::abs(value) > 1e-30f) {
        ASSERT_EQ(static_cast<float>(parsed(text)), expected) << text << ", seed 42";
      }
    }
  }
}

TEST(RatingValue, LooksLikeANumber) {
  for (const char* text : {"1", "-2.5", "nan", "inf", " 7 ", "+1"}) {
    EXPECT_TRUE(looks_like_number(text)) << text;
  }
  for (const char* text : {"", "a", "1a", "rating", "user 1"}) {
    EXPECT_FALSE(looks_like_number(text)) << text;
  }
}

}  // namespace
}  // namespace hourglass::test
