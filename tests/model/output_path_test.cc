#include "hourglass/model/output_path.h"

#include <gtest/gtest.h>

namespace hourglass {
namespace {

constexpr OutputPath kGram = OutputPath::kGram, kDirect = OutputPath::kDirect;

TEST(OutputPathTest, TheMatricesThatItWasMeasuredOn) {
  EXPECT_EQ(cheaper_output_path(0.583, 500, 128, 128), kDirect);    // the test matrix
  EXPECT_EQ(cheaper_output_path(0.0018, 53'424, 128, 128), kGram);  // goodbooks
  EXPECT_EQ(cheaper_output_path(0.0018, 53'424, 32, 128), kDirect);
  EXPECT_EQ(cheaper_output_path(0.0018, 53'424, 1024, 128), kGram);
}

// Denser ratings, a wider layer and smaller batches each speak for the direct products, and never
// against.
TEST(OutputPathTest, TurnsOnceWithDensityWidthAndBatch) {
  const auto turns = [](const auto& path_of) {
    int n = 0;
    for (int i = 0; i < 100; ++i) {
      const OutputPath now = path_of(i), next = path_of(i + 1);
      EXPECT_FALSE(now == kDirect && next == kGram) << i;
      n += now != next;
    }
    return n;
  };
  EXPECT_EQ(turns([](int i) { return cheaper_output_path(i / 100.0, 2000, 128, 128); }), 1);
  EXPECT_EQ(turns([](int i) { return cheaper_output_path(0.01, 2000, 128, 1 + 10 * i); }), 1);
  EXPECT_EQ(turns([](int i) { return cheaper_output_path(0.01, 2000, 2020 - 20 * i, 128); }), 1);
}

}  // namespace
}  // namespace hourglass
