#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cli/train_command.h"
#include "hourglass/model/model_file.h"

namespace hourglass::test {
namespace {

TEST_F(TrainCommandTest, LeavesARunFolder) {
  const Outcome train = hourglass(small("a"));
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_EQ(train.out, model("a").string() + "\n");
  EXPECT_TRUE(contains(train.err, "300 rows x 40 columns")) << train.err;
  EXPECT_TRUE(contains(train.err, "epoch 4/4  loss ")) << train.err;
  EXPECT_TRUE(contains(train.err, " rows/s\n")) << train.err;
  EXPECT_TRUE(contains(train.err, "peak memory ")) << train.err;
  EXPECT_FALSE(contains(train.err, "\r")) << "a progress bar, and no terminal";
  EXPECT_FALSE(std::filesystem::exists(checkpoint("a")));
  const nlohmann::json record = run("a");
  EXPECT_EQ(record.at("outcome"), "done");
  EXPECT_EQ(record.at("options").at("bottleneck"), nlohmann::json({5}));
  EXPECT_EQ(record.at("options").at("rows"), 300);
  const nlohmann::json& result = record.at("results").at(0);
  EXPECT_EQ(result.at("epochs"), 4);
  const Model trained = load_model(model("a"));
  EXPECT_EQ(trained.column_ids.size(), 40);
  EXPECT_EQ(trained.training.at("loss"), result.at("loss"));
  EXPECT_EQ(trained.training.at("data_sha256"), record.at("data").at("sha256"));
  const std::string losses = file_bytes(folder_ / "a" / "k=5" / "losses.csv");
  EXPECT_TRUE(losses.starts_with("epochs,losses,")) << losses;
  EXPECT_EQ(std::count(losses.begin(), losses.end(), '\n'), 5);
}

TEST_F(TrainCommandTest, QuietSaysOnlyTheResult) {
  const Outcome train = hourglass(small("a", {"--quiet"}));
  EXPECT_EQ(train.code, 0);
  EXPECT_EQ(train.err, "");
  EXPECT_EQ(train.out, model("a").string() + "\n");
}

TEST_F(TrainCommandTest, TheSameBitsAgainAndAtAnyNumberOfThreads) {
  for (const Words& more : {Words{}, Words{"--objective", "observed", "--weight-decay", "0.01"}}) {
    std::string first;
    for (const std::string threads : {"1", "2", "8"}) {
      const Outcome train = hourglass(small("t" + threads, more + Words{"--threads", threads}));
      ASSERT_EQ(train.code, 0) << train.err;
      const std::string bytes = model_bytes("t" + threads);
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << threads << " threads";
      std::filesystem::remove_all(folder_ / ("t" + threads));
    }
  }
}

TEST_F(TrainCommandTest, TellsTheEpochAtWhichItStoppedEarly) {
  const Outcome train =
      hourglass(small("a", {"--min-delta", "100", "--patience", "2", "--epochs", "50"}));
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, "stopped early at epoch 3\n")) << train.err;
  EXPECT_EQ(run("a").at("results").at(0).at("stopped_early"), true);
  const std::string losses = file_bytes(folder_ / "a" / "k=5" / "losses.csv");
  EXPECT_TRUE(contains(losses.substr(losses.rfind("\n3,")), ",1\n")) << losses;
}

TEST_F(TrainCommandTest, DivergenceNamesEpochAndStepAndKeepsTheCheckpoint) {
  // One step an epoch: the first has a loss before it makes the weights monstrous.
  const Words monstrous = {"--learning-rate",    "1e30", "--batch-size", "300",
                           "--checkpoint-every", "1"};
  std::string kept;
  for (const Words& more : {Words{}, Words{"--resume"}}) {
    const Outcome train = hourglass(small("a", monstrous + more));
    EXPECT_EQ(train.code, 1);
    EXPECT_TRUE(contains(train.err, "hourglass: error: the training diverged")) << train.err;
    EXPECT_TRUE(contains(train.err, "epoch 2, step ")) << train.err;
    EXPECT_EQ(run("a").at("outcome"), "failed");
    if (!kept.empty()) {
      EXPECT_EQ(file_bytes(checkpoint("a")), kept);
    }
    kept = file_bytes(checkpoint("a"));
  }
  EXPECT_FALSE(kept.empty());
}

TEST_F(TrainCommandTest, ACheckpointOfAnotherTrainingIsRefused) {
  for (const char* seed : {"1", "2"}) {
    ASSERT_EQ(hourglass(small(seed, {"--keep-checkpoint", "--seed", seed})).code, 0);
  }
  std::filesystem::copy_file(checkpoint("2"), checkpoint("1"),
                             std::filesystem::copy_options::overwrite_existing);
  const Outcome train = hourglass(small("1", {"--resume", "--seed", "1", "--epochs", "9"}));
  EXPECT_EQ(train.code, 1);
  EXPECT_TRUE(contains(train.err, "is a checkpoint of a training with other ratings or options"))
      << train.err;
}

TEST_F(TrainCommandTest, KilledAnywhereItGoesOnToTheSameBits) {
  const Words long_run = {"--epochs", "40", "--patience", "40", "--checkpoint-every", "1"};
  const auto began = std::chrono::steady_clock::now();
  ASSERT_EQ(hourglass(small("whole", long_run)).code, 0);
  const auto took = std::chrono::steady_clock::now() - began;
  const std::string whole = model_bytes("whole");
  std::mt19937 random(20261124);
  std::uniform_real_distribution<double> part(0, 1.1);
  int n_killed = 0;
  for (int round = 0; round < 6; ++round) {
    const std::string output = "killed" + std::to_string(round);
    for (int attempt = 0; attempt < 40; ++attempt) {
      Program program(small(output, long_run + Words{"--resume"}));
      std::this_thread::sleep_for(took * part(random));
      program.send(attempt % 3 == 0 ? SIGKILL : attempt % 3 == 1 ? SIGTERM : SIGINT);
      const Outcome outcome = program.wait();
      if (outcome.code == 0) break;
      ++n_killed;
      const bool stopped = outcome.signal != 0 || outcome.code == 130 || outcome.code == 143;
      ASSERT_TRUE(stopped) << outcome.code << ": " << outcome.err;
    }
    ASSERT_EQ(hourglass(small(output, long_run + Words{"--resume"})).code, 0);
    ASSERT_EQ(model_bytes(output), whole) << "round " << round;
    const std::string losses = file_bytes(folder_ / output / "k=5" / "losses.csv");
    EXPECT_EQ(std::count(losses.begin(), losses.end(), '\n'), 41) << losses;
  }
  std::printf("  stopped %d times\n", n_killed);
  EXPECT_GT(n_killed, 0);
}

TEST_F(TrainCommandTest, ASignalFinishesTheStepAndLeavesACheckpoint) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string output = "s" + std::to_string(signal);
    Program program(small(output, {"--epochs", "1000000", "--patience", "1000000"}));
    ASSERT_TRUE(program.wait_for("epoch 2/"));
    program.send(signal);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.code, 128 + signal) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--resume goes on")) << outcome.err;
    EXPECT_TRUE(std::filesystem::exists(checkpoint(output)));
    EXPECT_EQ(run(output).at("outcome"), "interrupted");
    EXPECT_FALSE(std::filesystem::exists(model(output)));
  }
}

// Whoever goes on with a run's folder need not have made it.
TEST_F(TrainCommandTest, ARunJsonOfAnotherKindIsRefusedInOurWords) {
  ASSERT_EQ(hourglass(small("a", {"--keep-checkpoint"})).code, 0);
  const nlohmann::json good = run("a");
  const auto refused = [&](const std::string& at, const nlohmann::json& value,
                           const std::string& what) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(at)] = value;
    put_bytes(folder_ / "a" / "run.json", bad.dump());
    const Outcome outcome =
        hourglass({"train", "synthetic", "--resume", "--output", path("a"), "--epochs", "9"});
    EXPECT_EQ(outcome.code, 1) << at << ": " << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("hourglass: error: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, what)) << outcome.err;
  };
  const std::string option = "which cannot be; train anew";
  refused("/options/batch-size", 0, option);  // a batch of no rows would divide by zero
  refused("/options/batch-size", "many", option);
  refused("/options/batch-size", 1e300, option);
  refused("/options/patience", -1, option);
  refused("/options/hidden", {0}, option);
  refused("/options/hidden", {"a", 2}, option);
  refused("/options/hidden", 24, option);
  refused("/options/objective", "none", option);
  refused("/options/output-path", "long", option);
  refused("/options/dropout", 2, option);
  refused("/options/learning-rate", nullptr, "does not tell --learning-rate");
  refused("/options/learning-rate", "0.001", option);
  refused("/options/seed", "7", option);
  refused("/options/no-shuffle", 1, option);
  refused("/options/init", {{"a", 1}}, option);
  const std::string results = "its \"results\" cannot be read";
  refused("/results", 7, results);
  refused("/results/0/bottleneck", 0, results);
  refused("/results/0/bottleneck", 4294967301, results);  // 5 in 32 bits
  refused("/results/0/epochs", "four", results);
  refused("/results/0/outcome", 1, results);
  refused("/results/0/seconds", "long", results);
  refused("/results/0/patience", 1.5, results);
  refused("/results/0/stopped_early", "no", results);
  refused("/results/0/checkpoint_kept", "yes", results);
  const std::string kind = "run.json: is not as hourglass writes it";
  refused("/seconds", "long", kind);
  refused("/outcome", 5, kind);
  refused("/options/bottleneck", {4294967297}, kind);
  refused("/options/bottleneck", {1e300}, kind);
  refused("/device", 3, kind);
  refused("/data/path", 3, kind);
  refused("/data/sha256", nlohmann::json::array(), kind);
  put_bytes(folder_ / "a" / "run.json", good.dump());
  const Outcome more =
      hourglass({"train", "synthetic", "--resume", "--output", path("a"), "--epochs", "5"});
  EXPECT_EQ(more.code, 0) << more.err;
}

TEST_F(TrainCommandTest, ResumeTakesTheRunsOptionsAndRefusesOthersByName) {
  const Words begun = {"--keep-checkpoint", "--learning-rate", "0.002", "--no-shuffle"};
  ASSERT_EQ(hourglass(small("a", begun)).code, 0);
  const Words bare = {"train", "synthetic", "--resume", "--output", path("a")};
  const auto refused = [&](const Words& more, const std::string& name) {
    const Outcome outcome = hourglass(bare + more);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, name)) << outcome.err;
  };
  refused({"--learning-rate", "0.001"}, "--learning-rate was 0.002 in the run and is 0.001 now");
  refused({"--hidden", "24"}, "--hidden was [24,12]");
  refused({"--hidden", "none"}, "--hidden was [24,12]");
  refused({"--objective", "observed"}, "--objective");
  refused({"--output-path", "direct"}, "--output-path was \"auto\" in the run");
  refused({"--batch-size", "127"}, "--batch-size");
  refused({"--weight-decay", "0.1"}, "--weight-decay");
  refused({"--min-delta", "0.1"}, "--min-delta");
  refused({"--seed", "43"}, "--seed");
  refused({"--init", "w.safetensors"}, "--init");
  refused({"--rows", "301"}, "--rows");
  refused({"--noise", "0.2"}, "--noise");
  // The same value, written otherwise, is no difference; epochs may grow.
  const Outcome more = hourglass(bare + Words{"--learning-rate", "2e-3", "--epochs", "6",
                                              "--patience", "7", "--threads", "1"});
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(contains(more.err, "going on after epoch 4, batch 0")) << more.err;
  ASSERT_EQ(hourglass(small("b", begun + Words{"--epochs", "6"})).code, 0);
  EXPECT_EQ(model_bytes("a"), model_bytes("b"));
  // Done, its checkpoint gone.
  const Outcome again = hourglass(bare);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out, model("a").string() + "\n");
  const Outcome impossible = hourglass(bare + Words{"--epochs", "8"});
  EXPECT_EQ(impossible.code, 1);
  EXPECT_TRUE(contains(impossible.err, "--keep-checkpoint")) << impossible.err;
}

TEST_F(TrainCommandTest, ResumeRefusesOtherData) {
  const Words generate = {"generate", "--rows", "30", "--columns", "10"};
  ASSERT_EQ(hourglass(generate + Words{"--output", path("a.csv")}).code, 0);
  ASSERT_EQ(hourglass(generate + Words{"--seed", "43", "--output", path("b.csv")}).code, 0);
  const auto train = [&](const std::string& file, const Words& more) {
    return hourglass(Words{"train", path(file), "--output", path("r"), "--epochs", "2"} + more);
  };
  ASSERT_EQ(train("a.csv", {"--keep-checkpoint"}).code, 0);
  const Outcome other = train("b.csv", {"--resume"});
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.err, "not the ratings of the run")) << other.err;
  const Outcome turned = train("a.csv", {"--resume", "--transpose"});
  EXPECT_EQ(turned.code, 2);
  EXPECT_TRUE(contains(turned.err, "--transpose")) << turned.err;
}

TEST_F(TrainCommandTest, ResumeOnAnotherDeviceSaysThatTheBitsChange) {
  ASSERT_EQ(hourglass(small("a", {"--keep-checkpoint", "--device", "cpu"})).code, 0);
  const Outcome other =
      hourglass(small("a", {"--resume", "--epochs", "5", "--device", "reference"}));
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_TRUE(contains(other.err, "was on cpu in fp32 and goes on on reference in fp32"))
      << other.err;
}

TEST_F(TrainCommandTest, ASecondRunIntoTheSameFolderIsRefused) {
  Program first(small("a", {"--epochs", "1000000", "--patience", "1000000"}));
  ASSERT_TRUE(first.wait_for("epoch 1/"));
  for (const Words& more : {Words{}, Words{"--resume"}}) {
    const Outcome second = hourglass(small("a", more));
    EXPECT_EQ(second.code, 1);
    EXPECT_TRUE(contains(second.err, "another hourglass is training")) << second.err;
  }
}

TEST_F(TrainCommandTest, WhatAKillInTheLastMomentsLeftIsPutRight) {
  ASSERT_EQ(hourglass(small("a", {"--keep-checkpoint"})).code, 0);
  nlohmann::json record = run("a");
  EXPECT_EQ(record.at("results").at(0).at("checkpoint_kept"), true);
  // Killed after the model, before run.json said so of the run and the checkpoint went.
  record["outcome"] = "running";
  record["results"][0]["checkpoint_kept"] = false;
  put_bytes(folder_ / "a" / "run.json", record.dump());
  std::filesystem::remove(folder_ / "a" / "results.csv");
  put_bytes(folder_ / "a" / "k=5" / ".checkpoint.safetensors.tmp", "half");
  ASSERT_EQ(hourglass(small("a")).code, 0);
  EXPECT_EQ(run("a").at("outcome"), "done");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a" / "results.csv"));
  EXPECT_FALSE(std::filesystem::exists(checkpoint("a")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a" / "k=5" / ".checkpoint.safetensors.tmp"));
}

TEST_F(TrainCommandTest, ANameThatRunJsonCannotKeepIsRefusedBeforeTheWork) {
  for (const std::string option : {"--split", "--init"}) {
    const Outcome train = hourglass(small("a", {option, path("caf\xe9")}));
    EXPECT_EQ(train.code, 1);
    EXPECT_TRUE(contains(train.err, "not UTF-8")) << train.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a" / "run.json"));
  }
}

TEST_F(TrainCommandTest, WrongUsageExits2AndBadInput1) {
  EXPECT_EQ(hourglass({"train"}).code, 2);
  EXPECT_EQ(hourglass(small("a", {"--bottleneck", "0"})).code, 2);
  EXPECT_EQ(hourglass(small("a", {"--hidden", "12,-1"})).code, 2);
  EXPECT_EQ(hourglass(small("a", {"--device", "abacus"})).code, 2);
  EXPECT_EQ(hourglass(small("a", {"--sparsity", "2"})).code, 2);
  EXPECT_EQ(hourglass({"train", path("none.csv"), "--output", path("x")}).code, 1);
  const Outcome init = hourglass(small("b", {"--init", path("none.safetensors")}));
  EXPECT_EQ(init.code, 1);
  EXPECT_TRUE(contains(init.err, "none.safetensors: ")) << init.err;
}

TEST_F(TrainCommandTest, TheSparseAutoencoderTellsBothPartsOfItsLoss) {
  const Outcome train =
      hourglass({"train", "synthetic", "--rows", "200", "--columns", "30", "--epochs", "2",
                 "--sparsity-weight", "0.2", "--output", path("a")});
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, " (mean square ")) << train.err;
  const std::string log = file_bytes(folder_ / "a" / "k=10" / "log.jsonl");
  const auto line = nlohmann::json::parse(log.substr(0, log.find('\n')));
  EXPECT_GT(line.at("sparsity_penalty").get<double>(), 0);
  EXPECT_DOUBLE_EQ(line.at("mean_square").get<double>() + line.at("sparsity_penalty").get<double>(),
                   line.at("loss").get<double>());
}

TEST_F(TrainCommandTest, SaysAndKeepsTheOutputLayersPath) {
  const Outcome by_choice = hourglass(small("auto", {"--sparsity", "0", "--noise", "0"}));
  ASSERT_EQ(by_choice.code, 0) << by_choice.err;
  EXPECT_TRUE(contains(by_choice.err, " parameters; output layer: direct products, 83"))
      << by_choice.err;
  EXPECT_TRUE(contains(by_choice.err, " % of the cells are rated\n")) << by_choice.err;
  EXPECT_EQ(run("auto").at("options").at("output-path"), "auto");
  EXPECT_EQ(run("auto").at("results").at(0).at("output_path"), "direct");
  const Outcome forced =
      hourglass(small("gram", {"--sparsity", "0", "--noise", "0", "--output-path", "gram"}));
  ASSERT_EQ(forced.code, 0) << forced.err;
  EXPECT_TRUE(contains(forced.err, "output layer: one pass by Gram matrices, 83")) << forced.err;
  EXPECT_EQ(run("gram").at("options").at("output-path"), "gram");
  EXPECT_EQ(run("gram").at("results").at(0).at("output_path"), "gram");
  EXPECT_NE(model_bytes("auto"), model_bytes("gram"));
  const Outcome observed =
      hourglass(small("o", {"--objective", "observed", "--output-path", "gram"}));
  EXPECT_EQ(observed.code, 2) << observed.err;
  EXPECT_TRUE(contains(observed.err, "--output-path is of --objective all")) << observed.err;
  const Outcome rated = hourglass(small("r", {"--objective", "observed"}));
  ASSERT_EQ(rated.code, 0) << rated.err;
  EXPECT_FALSE(contains(rated.err, "output layer")) << rated.err;
}

TEST_F(TrainCommandTest, NoHiddenLayersAtAll) {
  const Outcome train = hourglass(small("a", {"--hidden", "none"}));
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, "network 40 - 5 - 40;")) << train.err;
}

}  // namespace
}  // namespace hourglass::test
