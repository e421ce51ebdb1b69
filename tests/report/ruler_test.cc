#include "report/ruler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace hourglass {
namespace {

using Labels = std::vector<std::string>;

Ruler ruler(double low, double high, Scale scale = Scale::kLinear, Ends ends = Ends::kAtTicks) {
  return {{.label = "", .scale = scale}, Extent{low, high}, ends, 0, 100};
}

Labels labels_of(const Ruler& ruler) {
  Labels labels;
  for (const Tick& tick : ruler.ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(RulerTest, LinearTicksAreRoundNumbers) {
  EXPECT_EQ(labels_of(ruler(0, 1)), (Labels{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(labels_of(ruler(0.137, 0.207)),
            (Labels{"0.12", "0.14", "0.16", "0.18", "0.20", "0.22"}));
  EXPECT_EQ(labels_of(ruler(-3, 9)), (Labels{"−4", "−2", "0", "2", "4", "6", "8", "10"}));
  EXPECT_EQ(labels_of(ruler(0, 5e6)),
            (Labels{"0", "1,000,000", "2,000,000", "3,000,000", "4,000,000", "5,000,000"}));
  EXPECT_EQ(labels_of(ruler(0, 3e9)),
            (Labels{"0", "5×10⁸", "10⁹", "1.5×10⁹", "2×10⁹", "2.5×10⁹", "3×10⁹"}));
  EXPECT_EQ(labels_of(ruler(0, 4e-7)), (Labels{"0", "10⁻⁷", "2×10⁻⁷", "3×10⁻⁷", "4×10⁻⁷"}));
}

TEST(RulerTest, TicksStandWhereTheirValuesLie) {
  const Ruler axis = ruler(0, 1);
  EXPECT_DOUBLE_EQ(axis.place(0), 0);
  EXPECT_DOUBLE_EQ(axis.place(0.25), 25);
  EXPECT_DOUBLE_EQ(axis.place(1), 100);
  const Ruler log = ruler(1, 1e4, Scale::kLog, Ends::kExact);
  EXPECT_DOUBLE_EQ(log.place(1), 0);
  EXPECT_DOUBLE_EQ(log.place(10), 25);
  EXPECT_DOUBLE_EQ(log.place(1e4), 100);
}

TEST(RulerTest, LogarithmicTicksAreDecades) {
  EXPECT_EQ(labels_of(ruler(1, 1e4, Scale::kLog)), (Labels{"1", "10", "100", "1,000", "10,000"}));
  EXPECT_EQ(labels_of(ruler(1e-12, 1, Scale::kLog)),
            (Labels{"10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "0.0001", "0.01", "1"}));
  EXPECT_EQ(labels_of(ruler(1, 60, Scale::kLog)), (Labels{"1", "2", "5", "10", "20", "50"}));
}

TEST(RulerTest, GivenTicksAreKeptWhereTheAxisReaches) {
  const Axis axis{.label = "", .scale = Scale::kLog, .ticks = {4, 8, 16, 1000}};
  EXPECT_EQ(labels_of({axis, Extent{4, 16}, Ends::kPadded, 0, 1}), (Labels{"4", "8", "16"}));
  const Axis halves{.label = "", .scale = Scale::kLinear, .ticks = {0.5, 1}};
  EXPECT_EQ(labels_of({halves, Extent{0, 2}, Ends::kExact, 0, 1}), (Labels{"0.5", "1"}));
}

// Whatever the values are, there are some ticks, in order, on the axis, and told apart.
TEST(RulerTest, AnyExtentHasTicks) {
  constexpr double kMost = 1e150, kLeast = std::numeric_limits<double>::denorm_min();
  for (const Extent extent : {Extent{}, Extent{0, 0}, Extent{3, 3}, Extent{-7, -7},
                              Extent{1e100, 1e100}, Extent{1, 1 + 1e-15}, Extent{1, 1 + 1e-7},
                              Extent{-kMost, kMost}, Extent{0, kLeast}, Extent{kLeast, 1e-300},
                              Extent{1e-150, 1e150}, Extent{0.999, 1.001}, Extent{1e9, 1e9 + 1}}) {
    for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
      if (scale == Scale::kLog && !extent.empty() && !has_place(extent.low, scale)) continue;
      for (const Ends ends : {Ends::kExact, Ends::kPadded, Ends::kAtTicks}) {
        const Ruler axis({.label = "", .scale = scale}, extent, ends, 10, 110);
        const auto& ticks = axis.ticks();
        SCOPED_TRACE(::testing::Message() << extent.low << " to " << extent.high);
        ASSERT_GE(ticks.size(), 1u);
        EXPECT_LE(ticks.size(), 10u);
        for (std::size_t i = 0; i < ticks.size(); ++i) {
          const double at = axis.place(ticks[i].value);
          EXPECT_TRUE(at >= 10 - 1e-3 && at <= 110 + 1e-3) << ticks[i].label << " at " << at;
          if (i == 0) continue;
          EXPECT_GT(ticks[i].value, ticks[i - 1].value);
          EXPECT_NE(ticks[i].label, ticks[i - 1].label);
        }
      }
    }
  }
}

TEST(RulerTest, OnlyWhatAnAxisCanShowHasAPlace) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(has_place(-1, Scale::kLinear));
  EXPECT_FALSE(has_place(-1, Scale::kLog));
  EXPECT_FALSE(has_place(0, Scale::kLog));
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    EXPECT_FALSE(has_place(std::nan(""), scale));
    EXPECT_FALSE(has_place(kInfinity, scale));
    EXPECT_FALSE(has_place(std::numeric_limits<double>::max(), scale));
  }
}

}  // namespace
}  // namespace hourglass
