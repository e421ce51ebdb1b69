#include "cli/progress_bar.h"

#include <gtest/gtest.h>

#include "cli/program.h"
#include "support/torch_test.h"

namespace hourglass::cli {
namespace {

TEST(DurationTest, ReadsAsAClock) {
  EXPECT_EQ(duration(0), "0:00");
  EXPECT_EQ(duration(6.2), "0:07");
  EXPECT_EQ(duration(59.5), "1:00");
  EXPECT_EQ(duration(754), "12:34");
  EXPECT_EQ(duration(3723), "1:02:03");
  EXPECT_EQ(duration(-1), "0:00");
  EXPECT_EQ(duration(1e300), "1000000000:00:00");
}

TEST(ProgressTextTest, TellsWhereItIsAndWhatIsLeft) {
  const Progress half = {.epoch = 3, .epochs = 10, .batch = 40, .batches = 80};
  EXPECT_EQ(progress_text(half, 60, 100),
            "epoch 3/10 [===============               ]  50 %  0:30 left, at most 7:30 in all");
  for (int width = 0; width < 120; ++width) {
    EXPECT_LE(progress_text(half, 60, width).size(), static_cast<std::size_t>(width));
  }
  // The first batch of the last epoch, and the end.
  EXPECT_EQ(progress_text({.epoch = 1, .epochs = 1, .batch = 0, .batches = 2}, 5, 70),
            "epoch 1/1 [                    ]   0 %  0:05 left, at most 0:05 in all");
  EXPECT_EQ(progress_text({.epoch = 2, .epochs = 1, .batch = 0, .batches = 2}, 5, 40).substr(0, 10),
            "epoch 2/1 ");
}

// `script` (of every Debian) runs a command on a terminal of its own.
TEST(ProgressBarTest, IsDrawnOnATerminalAndWipedBeforeEachLine) {
  const test::TempFolder folder;
  const auto train = test::run_program(
      {"script", "-qec",
       std::string(HOURGLASS_PROGRAM) +
           " train synthetic --rows 2000 --columns 200 --epochs 3 --device reference --output " +
           (folder / "r").string(),
       "/dev/null"});
  ASSERT_EQ(train.status, 0) << train.output;
  EXPECT_NE(train.output.find("\repoch 1/3 ["), std::string::npos) << train.output;
  EXPECT_NE(train.output.find(" left, at most "), std::string::npos);
  EXPECT_NE(train.output.find("\r\x1b[Kepoch 1/3  loss "), std::string::npos);
}

}  // namespace
}  // namespace hourglass::cli
