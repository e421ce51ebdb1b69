#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/program.h"

namespace hourglass::test {
namespace {

class ReportCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome trained =
        hourglass({"train", "synthetic", "--rows", "60", "--columns", "20", "--bottleneck", "2,3",
                   "--epochs", "2", "--output", run()});
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  std::string run() const { return folder_ / "run"; }

  const TempFolder folder_;
};

TEST_F(ReportCommandTest, WritesThePageAndItsChartsAndNamesThem) {
  const Outcome made = hourglass({"report", run(), "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto files = nlohmann::json::parse(made.out).at("files");
  EXPECT_EQ(files.back(), run() + "/report.html");
  for (const std::string file : files) {
    EXPECT_TRUE(std::filesystem::is_regular_file(file)) << file;
  }
  for (const char* chart : {"loss.svg", "loss-log.svg", "loss-k=2.svg", "loss-k=3-log.svg"}) {
    EXPECT_TRUE(std::filesystem::exists(run() + "/charts/" + chart)) << chart;
  }
}

TEST_F(ReportCommandTest, AnotherFolderLeavesTheRunAsItWas) {
  const std::filesystem::path output = folder_ / "new" / "report";
  const Outcome made = hourglass({"report", run(), "--output", output});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_TRUE(made.out.ends_with((output / "report.html").string() + "\n")) << made.out;
  EXPECT_TRUE(std::filesystem::exists(output / "charts" / "loss.svg"));
  EXPECT_FALSE(std::filesystem::exists(run() + "/report.html"));
  EXPECT_FALSE(std::filesystem::exists(run() + "/charts"));
}

TEST_F(ReportCommandTest, WhatIsNoRunOrDamagedIsAnErrorOfTheInput) {
  const Outcome no_run = hourglass({"report", folder_.path()});
  EXPECT_EQ(no_run.code, 1);
  EXPECT_NE(no_run.err.find("has no run.json"), std::string::npos) << no_run.err;
  const std::filesystem::path log = run() + "/k=3/log.jsonl";
  put_bytes(log, file_bytes(log) + "{}\n");
  const Outcome damaged = hourglass({"report", run()});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_NE(damaged.err.find("log.jsonl:3: is no record of an epoch"), std::string::npos)
      << damaged.err;
  EXPECT_FALSE(std::filesystem::exists(run() + "/report.html"));
  EXPECT_EQ(hourglass({"report"}).code, 2);
}

}  // namespace
}  // namespace hourglass::test
