#include "cpu/live_units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cpu/kernels.h"

namespace hourglass::cpu {
namespace {

struct Rows {
  std::int64_t n_rows, width, stride;
  std::vector<float> values;

  Rows(std::int64_t rows, std::int64_t columns)
      : n_rows(rows),
        width(columns),
        stride(padded(columns)),
        values(static_cast<std::size_t>(n_rows * stride)) {}
  float& at(std::int64_t r, std::int64_t c) {
    return values[static_cast<std::size_t>(r * stride + c)];
  }
  Matrix<const float> matrix() const { return {Ptr<const float>(values.data()), stride}; }
};

// Of every width round a vector's: none, all, every second, the last alone.
TEST(LiveUnitsTest, AreFoundAndPackedInOrder) {
  LiveUnits live;
  for (const std::int64_t width : {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 129, 257}) {
    for (const std::int64_t every : {1, 2, 3, 1000}) {
      Rows rows(5, width);
      std::vector<std::int32_t> want;
      for (std::int64_t c = 0; c < width; ++c) {
        if (every < 1000 ? c % every != 0 : c + 1 != width) continue;
        want.push_back(static_cast<std::int32_t>(c));
        for (std::int64_t r = c % 5; r < 5; r += 2) rows.at(r, c) = static_cast<float>(100 * r + c);
        rows.at(c % 5, c) = -1;  // in one row at least
      }
      find_live(rows.matrix(), rows.n_rows, width, live);
      ASSERT_EQ(live.width(), width);
      ASSERT_EQ(std::vector<std::int32_t>(live.ids(), live.ids() + live.count()), want);
      const std::int64_t stride = live.packed_stride();
      std::vector<float> packed(static_cast<std::size_t>(5 * stride));
      pack_rows(live, rows.matrix(), 1, 5, packed.data(), stride);
      for (std::int64_t r = 1; r < 5; ++r) {
        for (std::size_t i = 0; i < want.size(); ++i) {
          ASSERT_EQ(packed[static_cast<std::size_t>((r - 1) * stride) + i], rows.at(r, want[i]));
        }
      }
    }
  }
}

TEST(LiveUnitsTest, WhatIsNotZeroLives) {
  LiveUnits live;
  Rows rows(3, 6);
  rows.at(0, 1) = -0.0F;
  rows.at(1, 2) = std::numeric_limits<float>::quiet_NaN();
  rows.at(2, 3) = std::numeric_limits<float>::denorm_min();
  rows.at(0, 4) = -std::numeric_limits<float>::infinity();
  find_live(rows.matrix(), 3, 6, live);
  EXPECT_EQ(std::vector<std::int32_t>(live.ids(), live.ids() + live.count()),
            (std::vector<std::int32_t>{2, 3, 4}));
}

TEST(LiveUnitsTest, NoRowsHaveNone) {
  LiveUnits live;
  find_live(Rows(0, 20).matrix(), 0, 20, live);
  EXPECT_EQ(live.count(), 0);
  live.set_all(20);
  EXPECT_EQ(live.count(), 20);
}

}  // namespace
}  // namespace hourglass::cpu
