#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

/// A sweep of two bottlenecks with held-out ratings, trained once.
class EvaluateCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hourglass({"generate", "--rows", "200", "--columns", "40", path("r.csv")}).code, 0);
    const Outcome train =
        hourglass({"train", path("r.csv"), "--output", path("run"), "--epochs", "6", "--hidden",
                   "24", "--bottleneck", "8,3", "--holdout", "0.2"});
    ASSERT_EQ(train.code, 0) << train.err;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Outcome evaluate(std::vector<std::string> more) const {
    more.insert(more.begin(), {"evaluate", path("run"), path("r.csv")});
    return hourglass(more);
  }
  void refused(const std::vector<std::string>& more, int code, const std::string& text) const {
    const Outcome outcome = evaluate(more);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, text)) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }

  const TempFolder folder_;
};

TEST_F(EvaluateCommandTest, EveryBottleneckBesideTheBaselines) {
  const Outcome masked = evaluate({"--json", "--sample", "50"});
  ASSERT_EQ(masked.code, 0) << masked.err;
  EXPECT_TRUE(contains(masked.err, "warning: the model has seen these ratings"));
  const auto json = nlohmann::json::parse(masked.out);
  EXPECT_EQ(json.at("title"), "Masked ratings (seen in training), order within a row");
  EXPECT_EQ(json.at("rows"), 50);
  EXPECT_EQ(json.at("mask"), 0.2);
  std::vector<std::string> names;
  for (const auto& result : json.at("results")) names.push_back(result.at("name"));
  EXPECT_EQ(names, (std::vector<std::string>{"k=3", "k=8", "global mean", "row and column biases",
                                             "popularity"}));
  for (const auto& result : json.at("results")) {
    const bool order_only = result.at("name") == "popularity";
    EXPECT_EQ(result.at("rmse").is_null(), order_only);
    EXPECT_EQ(result.at("histogram").is_null(), order_only);
    EXPECT_GT(result.at("ndcg").get<double>(), 0);
    EXPECT_LE(result.at("ndcg").get<double>(), 1);
  }
  const std::string csv = file_bytes(folder_ / "run" / "evaluation-masked-by-row.csv");
  EXPECT_TRUE(csv.starts_with("name,bottleneck,hidden,by,k,rmse,")) << csv;
  EXPECT_TRUE(contains(csv, "\npopularity,,masked,row,10,,,,,")) << csv;
  EXPECT_EQ(nlohmann::json::parse(file_bytes(folder_ / "run" / "evaluation-masked-by-row.json")),
            json);
}

TEST_F(EvaluateCommandTest, HeldOutRatingsAreThoseOfTheTraining) {
  const Outcome holdout =
      evaluate({"--json", "--hidden", "holdout", "--sample", "all", "--by", "column"});
  ASSERT_EQ(holdout.code, 0) << holdout.err;
  EXPECT_FALSE(contains(holdout.err, "warning")) << holdout.err;
  const auto json = nlohmann::json::parse(holdout.out);
  EXPECT_EQ(json.at("title"), "Held-out ratings (never trained on), order within a column");
  EXPECT_TRUE(json.at("mask").is_null());
  const auto run = nlohmann::json::parse(file_bytes(folder_ / "run" / "run.json"));
  EXPECT_EQ(json.at("hidden_ratings"), run.at("holdout").at("ratings"));
  // What the trainer watched is the square of this RMSE.
  for (std::size_t i = 0; i < 2; ++i) {
    const double watched = run.at("results").at(i).at("holdout_loss");
    const double rmse = json.at("results").at(i).at("rmse");
    EXPECT_NEAR(rmse * rmse, watched, 1e-5 * watched);
  }
}

TEST_F(EvaluateCommandTest, AFileOfRatingsThatWereNeverTrainedOn) {
  put_bytes(folder_ / "base.csv", "u,i,rating\na,x,1\na,y,5\nb,x,2\nb,z,4\nc,y,3\nc,z,1\n");
  put_bytes(folder_ / "test.csv", "u,i,rating\na,z,2\nc,x,5\nnew,x,1\n");
  ASSERT_EQ(hourglass({"train", path("base.csv"), "--output", path("b"), "--epochs", "2",
                       "--hidden", "none", "--bottleneck", "2"})
                .code,
            0);
  const auto on = [&](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> words = {
        "evaluate", path("b"), path("base.csv"), "--split", path(file), "--k", "2", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return hourglass(words);
  };
  const Outcome outcome = on("test.csv", {});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json.at("hidden"), "split");
  EXPECT_EQ(json.at("title"),
            "Held-out ratings of " + path("test.csv") + " (never trained on), order within a row");
  EXPECT_EQ(json.at("hidden_ratings"), 2);
  EXPECT_EQ(json.at("unknown_ratings"), 1);
  EXPECT_EQ(json.at("rows_ranked"), 2);
  // The mean of the six that were trained on is 8/3; hidden are 2 and 5.
  EXPECT_NEAR(json.at("results").at(1).at("mae").get<double>(), (2.0 / 3 + 7.0 / 3) / 2, 1e-6);
  const Outcome seen = on("base.csv", {});
  EXPECT_EQ(seen.code, 1);
  EXPECT_TRUE(contains(seen.err, "6 of its ratings were trained on")) << seen.err;
  put_bytes(folder_ / "both.csv", "u,i,rating\na,z,2\na,x,1\n");
  const Outcome both = on("both.csv", {});
  EXPECT_EQ(both.code, 1);
  EXPECT_TRUE(contains(both.err, "1 of its ratings were trained on")) << both.err;
  EXPECT_EQ(on("test.csv", {"--hidden", "holdout"}).code, 2);
}

TEST_F(EvaluateCommandTest, TheSameOnEveryEngineAndForOneModelAlone) {
  const Outcome cpu = evaluate({"--json", "--sample", "60"});
  const Outcome reference = evaluate({"--json", "--sample", "60", "--device", "reference"});
  ASSERT_EQ(reference.code, 0) << reference.err;
  const auto a = nlohmann::json::parse(cpu.out), b = nlohmann::json::parse(reference.out);
  EXPECT_EQ(a.at("hidden_ratings"), b.at("hidden_ratings"));
  for (std::size_t i = 0; i < 5; ++i) {
    const auto &x = a.at("results").at(i), &y = b.at("results").at(i);
    EXPECT_NEAR(x.at("ndcg").get<double>(), y.at("ndcg").get<double>(), 1e-3);
    if (i == 4) continue;  // popularity
    EXPECT_NEAR(x.at("rmse").get<double>(), y.at("rmse").get<double>(), 1e-5);
  }
  const Outcome alone = hourglass({"evaluate", path("run/k=8/model.safetensors"), path("r.csv"),
                                   "--json", "--sample", "60", "--output", path(".")});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(nlohmann::json::parse(alone.out).at("results").at(0), a.at("results").at(1));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "evaluation-masked-by-row.csv"));
}

TEST_F(EvaluateCommandTest, TextSaysWhatIsHidden) {
  const Outcome outcome = evaluate({"--hidden", "holdout"});
  EXPECT_TRUE(
      outcome.out.starts_with("Held-out ratings (never trained on), order within a row\n"
                              "100 rows x 40 columns, "))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "NDCG@10"));
}

TEST_F(EvaluateCommandTest, WhatCannotBeEvaluatedIsRefused) {
  refused({"--sample", "0"}, 1, "sample is empty");
  refused({"--mask", "1"}, 1, "every rating of the sample is hidden");
  refused({"--mask", "0"}, 1, "no rating of the sample is hidden");
  refused({"--k", "41"}, 1, "only 40 columns");
  refused({"--sample", "20", "--by", "column", "--k", "21"}, 1, "only 20 rows");
  refused({"--sample", "some"}, 2, "--sample");
  refused({"--sample", "0x10"}, 2, "--sample");
  refused({"--sample", "99999999999999999999"}, 2, "--sample");
  refused({"--hidden", "holdout", "--mask", "0.5"}, 2, "--mask");
  refused({"--mask", "1.5"}, 2, "--mask");
  refused({"--hidden", "nothing"}, 2, "--hidden");
  // Other data: its held-out ratings are unknown; masked, the title and a warning say so.
  ASSERT_EQ(hourglass({"generate", "--rows", "90", "--columns", "45", path("o.csv")}).code, 0);
  const Outcome other = hourglass({"evaluate", path("run"), path("o.csv"), "--hidden", "holdout"});
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.err, "not the ratings that the model was trained on"));
  const Outcome masked = hourglass({"evaluate", path("run"), path("o.csv")});
  EXPECT_EQ(masked.code, 0) << masked.err;
  EXPECT_TRUE(masked.out.starts_with("Masked ratings (of other data than the training's)"));
  EXPECT_TRUE(contains(masked.err, "5 columns of the ratings are unknown to the model"))
      << masked.err;
  test::put_bytes(folder_ / "strangers.csv", "id,a,b\n1,2,3\n");
  const Outcome strangers = hourglass({"evaluate", path("run"), path("strangers.csv")});
  EXPECT_EQ(strangers.code, 1);
  EXPECT_TRUE(contains(strangers.err, "share no id")) << strangers.err;
  // A run without held-out ratings.
  ASSERT_EQ(hourglass({"train", path("r.csv"), "--output", path("whole"), "--epochs", "1",
                       "--hidden", "none", "--bottleneck", "2"})
                .code,
            0);
  const Outcome whole =
      hourglass({"evaluate", path("whole"), path("r.csv"), "--hidden", "holdout"});
  EXPECT_EQ(whole.code, 1);
  EXPECT_TRUE(contains(whole.err, "without held-out ratings"));
}

TEST_F(EvaluateCommandTest, DamagedModelsAreRefused) {
  const std::filesystem::path model = folder_ / "run" / "k=3" / "model.safetensors";
  const std::string good = file_bytes(model);
  put_bytes(model, good.substr(0, good.size() / 2));
  refused({}, 1, "model.safetensors: ");
  std::string lying = good;
  lying[good.size() - 1] = static_cast<char>(lying.back() ^ 1);
  put_bytes(model, lying);
  refused({}, 1, "model.safetensors: ");
}

}  // namespace
}  // namespace hourglass::test
