// train's held-out ratings: never trained on, watched, and from a file.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/train_command.h"
#include "hourglass/model/model_file.h"

namespace hourglass::test {
namespace {

TEST_F(TrainCommandTest, HeldOutValuesChangeNoBit) {
  std::string given = "user,item,rating\n", other = given, held = given;
  for (int u = 0; u < 30; ++u) {
    for (int i = 0; i < 12; ++i) {
      if ((u * 7 + i * 5) % 3 == 0) continue;
      const std::string pair = "u" + std::to_string(u) + ",i" + std::to_string(i) + ",";
      const bool out = (u + i) % 4 == 0;
      given += pair + std::to_string(1 + (u + i) % 5) + "\n";
      other += pair + std::to_string(out ? 5 - (u + i) % 5 : 1 + (u + i) % 5) + "\n";
      if (out) held += pair + "1\n";
    }
  }
  test::put_bytes(folder_ / "given.csv", given);
  test::put_bytes(folder_ / "other.csv", other);
  test::put_bytes(folder_ / "held.csv", held);
  for (const std::string objective : {"all", "observed"}) {
    std::vector<std::vector<std::vector<float>>> weights;
    for (const std::string file : {"given", "other"}) {
      const Outcome train =
          hourglass({"train", path(file + ".csv"), "--split", path("held.csv"), "--output",
                     path(file + objective), "--epochs", "3", "--hidden", "6", "--bottleneck", "2",
                     "--objective", objective});
      ASSERT_EQ(train.code, 0) << train.err;
      weights.push_back(
          load_model(folder_ / (file + objective) / "k=2" / "model.safetensors").weights);
    }
    EXPECT_EQ(weights[0], weights[1]) << objective;
  }
}

TEST_F(TrainCommandTest, HeldOutRatingsAreWatchedAndTheBestWeightsKept) {
  const Outcome train =
      hourglass(small("a", {"--holdout", "0.2", "--monitor", "holdout", "--learning-rate", "0.05",
                            "--epochs", "60", "--patience", "8", "--dropout", "0.2"}));
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, " held out)")) << train.err;
  const nlohmann::json result = run("a").at("results").at(0);
  const int best_epoch = result.at("best_epoch");
  EXPECT_TRUE(contains(train.err, "kept the weights of epoch " + std::to_string(best_epoch)))
      << train.err;
  EXPECT_EQ(result.at("epochs"), best_epoch + 8) << "it stops 8 epochs after the best";
  std::istringstream log(file_bytes(folder_ / "a" / "k=5" / "log.jsonl"));
  std::string line;
  for (int epoch = 1; std::getline(log, line); ++epoch) {
    const auto record = nlohmann::json::parse(line);
    const bool kept = record.at("epoch") == best_epoch;
    EXPECT_EQ(kept, record.at("holdout_loss") == result.at("holdout_loss"));
    EXPECT_EQ(kept, record.at("loss") == result.at("best")) << "the kept epoch's training loss";
  }
  const Model trained = load_model(model("a"));
  EXPECT_EQ(trained.training.at("holdout"), 0.2);
}

TEST_F(TrainCommandTest, AFileOfHeldOutRatings) {
  test::put_bytes(folder_ / "all.csv", "user,item,rating\nx,a,1\nx,b,2\ny,a,3\ny,c,4\nz,b,5\n");
  test::put_bytes(folder_ / "out.csv", "user,item,rating\nx,b,2\nz,c,5\nnew,a,1\n");
  const Words command = {"train", path("all.csv"), "--output", path("a"),      "--epochs",
                         "2",     "--hidden",      "4",        "--bottleneck", "2"};
  const Outcome train = hourglass(command + Words{"--split", path("out.csv")});
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, "out.csv: 1 ratings are of unknown rows or columns"))
      << train.err;
  EXPECT_TRUE(contains(train.err, "5 ratings (2 held out)")) << train.err;
  test::put_bytes(folder_ / "out.csv", "user,item,rating\nx,a,2\n");
  const Outcome other = hourglass(command + Words{"--split", path("out.csv"), "--resume"});
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.err, "not those that the run")) << other.err;
  EXPECT_EQ(hourglass({"train", path("all.csv"), "--output", path("b"), "--holdout", "0.1",
                       "--split", path("out.csv")})
                .code,
            2);
  EXPECT_EQ(hourglass({"train", path("all.csv"), "--output", path("c"), "--holdout", "1"}).code, 1);
  EXPECT_EQ(
      hourglass({"train", path("all.csv"), "--output", path("d"), "--monitor", "holdout"}).code, 1);
}

}  // namespace
}  // namespace hourglass::test
