#include "hourglass/evaluate/top_k.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "hourglass/ops/csr_buffer.h"
#include "ops/backends_under_test.h"

namespace hourglass {
namespace {

using Line = std::vector<Scored>;

class TopKTest : public testing::TestWithParam<ops_test::BackendUnderTest> {
 protected:
  Backend& backend() { return *backend_; }

  static Line line(const TopK& top, std::int64_t line) {
    const auto best = top.line(line);
    return {best.begin(), best.end()};
  }

 private:
  std::unique_ptr<Backend> backend_ = GetParam().open();
};

TEST_P(TopKTest, BringsTheBestOfEachLine) {
  const Buffer<float> scores(backend(), std::vector<float>{1, 7, 7, 5,     //
                                                           -1, -3, -2, 0,  //
                                                           9, 9, 9, 9});
  const CsrBuffer given(backend(), {.n_rows = 4,
                                    .n_columns = 4,
                                    .row_offsets = {0, 4, 5, 5, 8},
                                    .columns = {0, 1, 2, 3, 1, 0, 1, 3},
                                    .values = std::vector<float>(8, 1)});
  TopK top(backend(), 3, 2);
  top.select({scores.ptr(), 4}, 3, 4, {}, 0);
  EXPECT_EQ(line(top, 0), (Line{{7, 1}, {7, 2}}));
  EXPECT_EQ(line(top, 1), (Line{{0, 3}, {-1, 0}}));
  EXPECT_EQ(line(top, 2), (Line{{9, 0}, {9, 1}}));
  top.select({scores.ptr(), 4}, 3, 4, given.ptr(), 1);
  EXPECT_EQ(line(top, 0), (Line{{7, 2}, {5, 3}}));
  EXPECT_EQ(line(top, 1), (Line{{0, 3}, {-1, 0}}));
  EXPECT_EQ(line(top, 2), (Line{{9, 2}}));
  // Fewer lines than there is room for, and shorter ones.
  top.select({scores.ptr() + 4, 4}, 1, 3, {}, 0);
  EXPECT_EQ(line(top, 0), (Line{{-1, 0}, {-2, 2}}));
  TopK above(backend(), 3, 4, 5);
  above.select({scores.ptr(), 4}, 3, 4, {}, 0);
  EXPECT_EQ(line(above, 0), (Line{{7, 1}, {7, 2}}));
  EXPECT_EQ(line(above, 1), Line());
}

INSTANTIATE_TEST_SUITE_P(On, TopKTest, testing::ValuesIn(ops_test::backends_under_test()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hourglass
