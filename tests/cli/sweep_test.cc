// `train` with several bottlenecks: what is trained, what is skipped, what a kill leaves.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/train_command.h"

namespace hourglass::test {
namespace {

/// The numbers of one column of a CSV file, its header left out.
std::vector<std::string> csv_column(const std::string& csv, std::size_t column) {
  std::vector<std::string> values;
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    for (std::size_t i = 0; i <= column; ++i) std::getline(fields, line, ',');
    values.push_back(line);
  }
  return values;
}

class SweepTest : public TrainCommandTest {
 protected:
  std::string bytes_of(const std::string& output, int bottleneck) const {
    return file_bytes(folder_ / output / ("k=" + std::to_string(bottleneck)) / "model.safetensors");
  }
};

TEST_F(SweepTest, TrainsEachBottleneckAsIfAlone) {
  const Outcome sweep = hourglass(small("sweep", {"--bottleneck", "8,3,16"}));
  ASSERT_EQ(sweep.code, 0) << sweep.err;
  for (const int k : {3, 8, 16}) {
    const std::string alone = "alone" + std::to_string(k);
    ASSERT_EQ(hourglass(small(alone, {"--bottleneck", std::to_string(k)})).code, 0);
    EXPECT_EQ(bytes_of("sweep", k), bytes_of(alone, k)) << k;
  }
  const std::string csv = file_bytes(folder_ / "sweep" / "results.csv");
  EXPECT_TRUE(csv.starts_with("bottleneck,epochs,best_loss,last_loss,")) << csv;
  EXPECT_EQ(csv_column(csv, 0), (Words{"3", "8", "16"}));
  EXPECT_EQ(csv_column(csv, 1), (Words{"4", "4", "4"}));
  EXPECT_EQ(csv_column(csv, 7), (Words{"2683", "2808", "3008"}));
  EXPECT_TRUE(contains(sweep.err, "bottleneck   epochs")) << sweep.err;
}

TEST_F(SweepTest, ASecondCallTrainsOnlyWhatIsMissing) {
  ASSERT_EQ(hourglass(small("a", {"--bottleneck", "3,8"})).code, 0);
  const std::string before = bytes_of("a", 8);
  const Outcome again = hourglass(small("a", {"--bottleneck", "8,3,5"}));
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "k=3 is done")) << again.err;
  EXPECT_TRUE(contains(again.err, "k=8 is done")) << again.err;
  EXPECT_TRUE(contains(again.err, "k=5: network")) << again.err;
  EXPECT_FALSE(contains(again.err, "k=8: network")) << again.err;
  EXPECT_EQ(run("a").at("options").at("bottleneck"), nlohmann::json({3, 5, 8}));
  EXPECT_EQ(bytes_of("a", 8), before);
  EXPECT_EQ(csv_column(file_bytes(folder_ / "a" / "results.csv"), 0), (Words{"3", "5", "8"}));
}

TEST_F(SweepTest, OtherOptionsAreRefusedUnlessForceLeavesNothingOfTheOldOnes) {
  ASSERT_EQ(hourglass(small("a", {"--bottleneck", "3,8"})).code, 0);
  const std::string before = bytes_of("a", 8);
  const Words other = {"--learning-rate", "0.01"};
  const Outcome refused = hourglass(small("a", Words{"--bottleneck", "8"} + other));
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(contains(refused.err, "--learning-rate was 0.001, and it is 0.01 now"))
      << refused.err;
  // k=3 would stay, trained with the old options.
  EXPECT_EQ(hourglass(small("a", Words{"--bottleneck", "8", "--force"} + other)).code, 2);
  EXPECT_EQ(bytes_of("a", 8), before);
  const Outcome forced = hourglass(small("a", Words{"--bottleneck", "3,8", "--force"} + other));
  EXPECT_EQ(forced.code, 0) << forced.err;
  EXPECT_NE(bytes_of("a", 8), before);
  // The same options: one bottleneck anew, the other untouched, the same bits.
  const std::string three = bytes_of("a", 3);
  const Outcome same = hourglass(small("a", Words{"--bottleneck", "3", "--force"} + other));
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_TRUE(contains(same.err, "k=3: network")) << same.err;
  EXPECT_EQ(bytes_of("a", 3), three);
}

TEST_F(SweepTest, StoppedInTheMiddleItGoesOnThere) {
  const Words sweep = {"--bottleneck", "3,8,5", "--epochs",           "60",
                       "--patience",   "60",    "--checkpoint-every", "1"};
  ASSERT_EQ(hourglass(small("whole", sweep)).code, 0);
  Program program(small("a", sweep));
  ASSERT_TRUE(program.wait_for("k=5: network"));
  ASSERT_TRUE(program.wait_for("epoch 2/60"));
  program.send(SIGINT);
  const Outcome outcome = program.wait();
  ASSERT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_EQ(run("a").at("outcome"), "interrupted");
  if (!contains(outcome.err, "k=8: network")) {  // else it was faster than the signal
    const Outcome without = hourglass(small("a", sweep));
    EXPECT_EQ(without.code, 1);
    EXPECT_TRUE(contains(without.err, "k=5 was begun and is not finished")) << without.err;
  }
  const Outcome resumed =
      hourglass({"train", "synthetic", "--resume", "--output", path("a"), "--json"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(contains(resumed.err, "k=3 is done")) << resumed.err;
  const auto json = nlohmann::json::parse(resumed.out);
  ASSERT_EQ(json.at("results").size(), 3U);
  for (const auto& result : json.at("results")) {
    EXPECT_EQ(result.at("outcome"), "done");
    EXPECT_EQ(result.at("epochs"), 60);
    const int k = result.at("bottleneck");
    EXPECT_EQ(bytes_of("a", k), bytes_of("whole", k)) << k;
  }
}

// A --force that is killed leaves nothing that looks trained with the new options.
TEST_F(SweepTest, AKilledForceLeavesNoOldModelThatCounts) {
  const Words sweep = {"--bottleneck", "3,5", "--epochs", "4", "--keep-checkpoint"};
  ASSERT_EQ(hourglass(small("a", sweep)).code, 0);
  Program program(small("a", {"--bottleneck", "3,5", "--epochs", "1000000", "--patience", "1000000",
                              "--learning-rate", "0.01", "--force"}));
  ASSERT_TRUE(program.wait_for("k=3: network"));
  ASSERT_TRUE(program.wait_for("epoch 2/"));
  program.send(SIGKILL);
  program.wait();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a" / "k=5")) << "the old options' model";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a" / "k=3" / "model.safetensors"));
  const Outcome evaluate = hourglass({"recommend", path("a"), path("none.csv")});
  EXPECT_TRUE(contains(evaluate.err, "no bottleneck of this run is finished")) << evaluate.err;
  EXPECT_EQ(csv_column(file_bytes(folder_ / "a" / "results.csv"), 0), Words{});
}

TEST_F(SweepTest, AFolderThatRunJsonDoesNotTellOfIsNotTakenUp) {
  ASSERT_EQ(hourglass(small("a", {"--keep-checkpoint"})).code, 0);
  std::filesystem::remove(folder_ / "a" / "run.json");
  for (const Words& more : {Words{}, Words{"--resume"}}) {
    const Outcome outcome = hourglass(small("a", more + Words{"--seed", "7"}));
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, "run.json does not tell of it")) << outcome.err;
  }
  ASSERT_EQ(hourglass(small("a", {"--seed", "7", "--force"})).code, 0);
  ASSERT_EQ(hourglass(small("b", {"--seed", "7"})).code, 0);
  EXPECT_EQ(model_bytes("a"), model_bytes("b"));
}

TEST_F(SweepTest, ResumingAPartLeavesTheRestOnRecord) {
  ASSERT_EQ(hourglass(small("a", {"--bottleneck", "3,5", "--keep-checkpoint"})).code, 0);
  const Words resume = {"train",    "synthetic", "--resume",
                        "--output", path("a"),   "--keep-checkpoint"};
  ASSERT_EQ(hourglass(resume + Words{"--bottleneck", "3", "--epochs", "6"}).code, 0);
  EXPECT_EQ(run("a").at("options").at("bottleneck"), nlohmann::json({3, 5}));
  // k=5 has 4 epochs still: it is not done with the 6 that the run now has.
  const Outcome plain = hourglass(small("a", {"--bottleneck", "3,5", "--epochs", "6"}));
  EXPECT_EQ(plain.code, 1);
  EXPECT_TRUE(contains(plain.err, "k=5 is done, after 4 epochs, and more are asked for"))
      << plain.err;
  ASSERT_EQ(hourglass(resume).code, 0);
  ASSERT_EQ(hourglass(small("b", {"--bottleneck", "3,5", "--epochs", "6"})).code, 0);
  for (const int k : {3, 5}) EXPECT_EQ(bytes_of("a", k), bytes_of("b", k)) << k;
}

// Nothing of what is held out reaches the weights.

}  // namespace
}  // namespace hourglass::test
