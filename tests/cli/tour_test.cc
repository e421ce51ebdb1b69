// The README's sequence, by the script that the README names.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "cli/program.h"
#include "support/temp_folder.h"
#include "support/torch_test.h"

namespace hourglass::test {
namespace {

TEST(TourTest, EveryStepLeavesWhatItPromises) {
  const TempFolder folder;
  ASSERT_EQ(hourglass({"generate", "--rows", "150", "--columns", "40", folder / "r.csv"}).code, 0);
  const std::filesystem::path output = folder / "out";
  const Finished tour =
      run_program({"env", std::string("HOURGLASS_PROGRAM=") + HOURGLASS_PROGRAM,
                   std::filesystem::path(HOURGLASS_SOURCE_DIR) / "tools/tour", folder / "r.csv",
                   output, "--bottleneck", "4,8", "--epochs", "3", "--hidden", "16"});
  ASSERT_EQ(tour.status, 0) << tour.output;
  for (const char* name :
       {"run.json", "results.csv", "evaluation-holdout-by-row.csv", "evaluation-masked-by-row.json",
        "recommendations.csv", "k=8/codes.npy", "k=8/codes.ids.csv", "k=8/clusters.csv",
        "k=8/clusters.json", "k=8/clusters.svg", "report.html"}) {
    EXPECT_TRUE(std::filesystem::exists(output / name)) << name << "\n" << tour.output;
  }
  EXPECT_TRUE(contains(tour.output, "Held-out ratings (never trained on)")) << tour.output;
  EXPECT_TRUE(contains(file_bytes(output / "report.html"), "<svg")) << "no charts";
}

}  // namespace
}  // namespace hourglass::test
