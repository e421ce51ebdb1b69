#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/program.h"
#include "hourglass/model/model_file.h"
#include "hourglass/train/run_folder.h"
#include "support/temp_folder.h"

namespace hourglass::test {
namespace {

using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A small training on synthetic ratings.
class TrainCommandTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// `more` comes first in effect: an option is given once.
  Words small(const std::string& output, const Words& more = {}) const {
    Words words = {"train", "synthetic", "--output", path(output)};
    const Words defaults = {"--rows", "300",      "--columns", "40",           "--epochs",
                            "4",      "--hidden", "24,12",     "--bottleneck", "5"};
    for (std::size_t i = 0; i < defaults.size(); i += 2) {
      if (std::find(more.begin(), more.end(), defaults[i]) == more.end()) {
        words.insert(words.end(), {defaults[i], defaults[i + 1]});
      }
    }
    return words + more;
  }
  std::string model_bytes(const std::string& output) const { return file_bytes(model(output)); }
  std::filesystem::path model(const std::string& output) const {
    return folder_ / output / "k=5" / "model.safetensors";
  }
  std::filesystem::path checkpoint(const std::string& output) const {
    return folder_ / output / "k=5" / "checkpoint.safetensors";
  }
  nlohmann::json run(const std::string& output) const {
    return RunFolder::open(folder_ / output).read_run();
  }

  const TempFolder folder_;
};

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
  ASSERT_EQ(hourglass(small("a", {"--keep-checkpoint", "--epochs", "1"})).code, 0);
  const std::string good = file_bytes(checkpoint("a"));
  // The recorded rate is made monstrous: only a rewritten run.json can go on with another.
  nlohmann::json record = run("a");
  record["options"]["learning-rate"] = 1e38;
  RunFolder::open(folder_ / "a").write_run(record);
  const Outcome train = hourglass(small("a", {"--resume", "--epochs", "9"}));
  EXPECT_EQ(train.code, 1);
  EXPECT_TRUE(contains(train.err, "hourglass: error: the training diverged")) << train.err;
  EXPECT_TRUE(contains(train.err, "epoch 2, step ")) << train.err;
  EXPECT_EQ(file_bytes(checkpoint("a")), good);
  EXPECT_EQ(run("a").at("outcome"), "failed");
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
  EXPECT_TRUE(contains(other.err, "was on cpu and goes on on reference")) << other.err;
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

TEST_F(TrainCommandTest, NoHiddenLayersAtAll) {
  const Outcome train = hourglass(small("a", {"--hidden", "none"}));
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(contains(train.err, "network 40 - 5 - 40;")) << train.err;
}

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
