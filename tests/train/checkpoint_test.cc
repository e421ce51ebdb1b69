// A training that is stopped and taken up again anywhere ends in the bits of one that was not.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/data/hide_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/model/safetensors.h"
#include "hourglass/train/trainer.h"
#include "reference/backend.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::file_bytes;
using test::TempFolder;

/// 70 rows in batches of 16, the third of them without a rating, the last one smaller.
Ratings some_ratings() {
  Ratings ratings = synthetic_ratings({.rows = 70, .columns = 37, .sparsity = 0.9, .noise = 0.05});
  CsrMatrix& m = ratings.matrix;
  CsrMatrix sparse;
  sparse.n_rows = m.n_rows;
  sparse.n_columns = m.n_columns;
  sparse.row_offsets = {0};
  for (std::int64_t r = 0; r < m.n_rows; ++r) {
    for (std::int64_t e = m.row_offsets[static_cast<std::size_t>(r)];
         e < m.row_offsets[static_cast<std::size_t>(r) + 1]; ++e) {
      const auto i = static_cast<std::size_t>(e);
      if ((r >= 32 && r < 48) || (r + m.columns[i]) % 3 != 0) continue;
      sparse.columns.push_back(m.columns[i]);
      sparse.values.push_back(m.values[i]);
    }
    sparse.row_offsets.push_back(static_cast<std::int64_t>(sparse.columns.size()));
  }
  m = sparse;
  return ratings;
}

TrainOptions some_options(Objective objective) {
  TrainOptions options;
  options.shape = {.n_columns = 37, .hidden = {20, 9}, .bottleneck = 4};
  options.objective = objective;
  options.adam.learning_rate = 0.01;
  options.adam.weight_decay = objective == Objective::kAllCells ? 0 : 0.01;
  options.sparsity.weight = objective == Objective::kAllCells ? 0 : 0.2;
  options.batch_size = 16;
  options.epochs = 3;
  return options;
}

std::unique_ptr<Backend> open(const std::string& engine) {
  if (engine == "reference") return std::make_unique<reference::ReferenceBackend>();
  return std::make_unique<cpu::CpuBackend>(std::stoi(engine.substr(3)));
}

struct End {
  std::vector<std::vector<float>> weights, biases;
  std::vector<double> losses;

  bool operator==(const End&) const = default;
};

/// Trains to the end on backend after backend: after `batches` batches the state goes to a file,
/// from which the next goes on.
End train_in_pieces(const CsrMatrix& ratings, const TrainOptions& options,
                    const std::vector<std::string>& engines, int batches,
                    const std::filesystem::path& checkpoint, const CsrMatrix* holdout = nullptr) {
  End end;
  for (std::size_t i = 0;; ++i) {
    const auto backend = open(engines[i % engines.size()]);
    Trainer trainer(*backend, ratings, options, holdout);
    if (i == 0) {
      trainer.start(initial_model(options.shape, options.seed));
    } else {
      trainer.resume(checkpoint);
    }
    for (int b = 0; b < batches && !trainer.done(); ++b) {
      const auto epoch = trainer.step();
      if (!epoch) continue;
      end.losses.push_back(epoch->loss);
      if (epoch->holdout) end.losses.push_back(*epoch->holdout);
    }
    if (trainer.done()) {
      Model model;
      trainer.save(model);
      end.weights = model.weights;
      end.biases = model.biases;
      return end;
    }
    trainer.save_checkpoint(checkpoint);
  }
}

struct Kind {
  const char* name;
  Objective objective;
  OutputPath output_path;
};

class CheckpointTest : public testing::TestWithParam<Kind> {
 protected:
  static TrainOptions options_of_kind() {
    TrainOptions options = some_options(GetParam().objective);
    options.output_path = GetParam().output_path;
    return options;
  }
};

TEST_P(CheckpointTest, StoppingAnywhereLeavesTheBits) {
  const TempFolder folder;
  const Ratings ratings = some_ratings();
  TrainOptions options = options_of_kind();
  for (const bool shuffle : {false, true}) {
    options.shuffle = shuffle;
    const std::vector<std::string> cpu = {"cpu1", "cpu2", "cpu8"};
    const End whole = train_in_pieces(ratings.matrix, options, {"cpu2"}, 1000, folder / "c");
    ASSERT_EQ(whole.losses.size(), 3U);
    for (const int batches : {1, 2, 3, 4, 5, 7}) {  // an epoch has 5
      EXPECT_TRUE(whole == train_in_pieces(ratings.matrix, options, cpu, batches, folder / "c"))
          << "stopped every " << batches << " batches";
    }
    EXPECT_TRUE(train_in_pieces(ratings.matrix, options, {"reference"}, 1000, folder / "c") ==
                train_in_pieces(ratings.matrix, options, {"reference"}, 3, folder / "c"));
  }
}

// The best epoch's weights are part of the state, and so is what dropout draws next.
TEST_P(CheckpointTest, WithDropoutAndAHoldoutToWatch) {
  const TempFolder folder;
  const SplitRatings split = hide_ratings(some_ratings().matrix, 0.3, 42, RandomPurpose::kHoldout);
  TrainOptions options = options_of_kind();
  options.epochs = 8;
  options.adam.learning_rate = 0.05;  // overfits: the last epoch is not the best
  options.dropout = 0.25;
  options.monitor = Monitor::kHoldout;
  const End whole =
      train_in_pieces(split.given, options, {"cpu2"}, 1000, folder / "c", &split.hidden);
  ASSERT_EQ(whole.losses.size(), 16U);
  for (const int batches : {1, 3, 5, 7}) {
    EXPECT_TRUE(whole == train_in_pieces(split.given, options, {"cpu1", "cpu8"}, batches,
                                         folder / "c", &split.hidden))
        << "stopped every " << batches << " batches";
  }
  options.dropout = 0;
  EXPECT_FALSE(whole ==
               train_in_pieces(split.given, options, {"cpu2"}, 1000, folder / "c", &split.hidden));
}

TEST_P(CheckpointTest, EarlyStoppingGoesOnCounting) {
  const TempFolder folder;
  const Ratings ratings = some_ratings();
  TrainOptions options = options_of_kind();
  options.epochs = 20;
  options.min_delta = 1e9;  // only the first epoch improves
  options.patience = 4;
  const End end = train_in_pieces(ratings.matrix, options, {"cpu1"}, 7, folder / "c");
  EXPECT_EQ(end.losses.size(), 5U);

  // A run that stopped early goes on when it is given more patience.
  const auto backend = open("cpu1");
  Trainer stopped(*backend, ratings.matrix, options);
  stopped.start(initial_model(options.shape, options.seed));
  while (!stopped.done()) stopped.step();
  stopped.save_checkpoint(folder / "c");
  Trainer same(*backend, ratings.matrix, options);
  same.resume(folder / "c");
  EXPECT_TRUE(same.done());
  EXPECT_EQ(same.last_epoch().loss, stopped.last_epoch().loss);
  EXPECT_EQ(same.last_epoch().best, stopped.last_epoch().best);
  EXPECT_TRUE(same.last_epoch().stopped);
  options.patience = 6;
  Trainer patient(*backend, ratings.matrix, options);
  patient.resume(folder / "c");
  EXPECT_FALSE(patient.done());
  while (!patient.done()) patient.step();
  EXPECT_EQ(patient.last_epoch().epoch, 7);
}

INSTANTIATE_TEST_SUITE_P(
    Objectives, CheckpointTest,
    testing::Values(Kind{"All", Objective::kAllCells, OutputPath::kGram},
                    Kind{"AllDirect", Objective::kAllCells, OutputPath::kDirect},
                    Kind{"Observed", Objective::kRatedCells, OutputPath::kAuto}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CheckpointFileTest, DivergenceKeepsTheLastGoodOne) {
  const TempFolder folder;
  const Ratings ratings = some_ratings();
  TrainOptions options = some_options(Objective::kAllCells);
  const auto backend = open("cpu2");
  {
    Trainer trainer(*backend, ratings.matrix, options);
    trainer.start(initial_model(options.shape, options.seed));
    trainer.step();
    trainer.save_checkpoint(folder / "c");
  }
  const std::string good = file_bytes(folder / "c");
  options.adam.learning_rate = 1e38;
  Trainer trainer(*backend, ratings.matrix, options);
  trainer.resume(folder / "c");
  trainer.step();
  trainer.step();
  const std::string text = error_text([&] { trainer.save_checkpoint(folder / "c"); });
  EXPECT_NE(text.find("diverged by epoch 1, step 3"), text.npos) << text;
  EXPECT_EQ(file_bytes(folder / "c"), good);
  Model model;
  EXPECT_NE(error_text([&] { trainer.save(model); }).find("not finite"), std::string::npos);
}

class BadCheckpointTest : public testing::Test {
 protected:
  BadCheckpointTest() : ratings_(some_ratings()), options_(some_options(Objective::kAllCells)) {
    Trainer trainer(*backend_, ratings_.matrix, options_);
    trainer.start(initial_model(options_.shape, options_.seed));
    for (int b = 0; b < 7; ++b) trainer.step();
    trainer.save_checkpoint(path_);
  }
  std::string refusal(const TrainOptions& options) {
    Trainer trainer(*backend_, ratings_.matrix, options);
    return error_text([&] { trainer.resume(path_); });
  }
  /// Writes the checkpoint again with another metadata entry.
  void put_metadata(const std::string& key, const std::string& value) {
    const SafetensorsFile file(path_);
    Metadata metadata = file.metadata();
    metadata.erase("sha256");
    metadata[key] = value;
    std::vector<TensorView> tensors;
    std::map<std::string, std::vector<float>> floats;
    std::map<std::string, std::vector<std::int64_t>> integers;
    const std::vector<double> losses = file.read_f64("step_losses");
    for (const auto& [name, tensor] : file.tensors()) {
      if (tensor.dtype == DType::kF32) {
        floats[name] = file.read_f32(name);
        tensors.emplace_back(name, tensor.shape, std::span<const float>(floats[name]));
      } else if (tensor.dtype == DType::kI64) {
        integers[name] = file.read_i64(name);
        tensors.emplace_back(name, tensor.shape, std::span<const std::int64_t>(integers[name]));
      } else {
        tensors.emplace_back(name, tensor.shape, std::span<const double>(losses));
      }
    }
    save_safetensors(path_, tensors, metadata);
  }

  const TempFolder folder_;
  const std::filesystem::path path_ = folder_ / "checkpoint.safetensors";
  const std::unique_ptr<Backend> backend_ = open("cpu1");
  const Ratings ratings_;
  const TrainOptions options_;
};

TEST_F(BadCheckpointTest, OfAnotherNetworkIsRefusedByTheTensorsName) {
  TrainOptions options = options_;
  options.shape.bottleneck = 5;
  // The code's 4 or 5 units lie in padded rows: the first to differ is what follows.
  EXPECT_NE(refusal(options).find("decoder.0.rows has the shape [5, 16], not [6, 16]"),
            std::string::npos)
      << refusal(options);
  options.shape.hidden = {20};
  EXPECT_NE(refusal(options).find("no checkpoint of this network"), std::string::npos);
}

TEST_F(BadCheckpointTest, OfAnotherTrainingIsRefused) {
  Trainer trainer(*backend_, ratings_.matrix, options_);
  const auto refused = [&](std::string_view training) {
    const std::string text = error_text([&] { trainer.resume(path_, training); });
    return text.find("of a training with other ratings or options") != text.npos;
  };
  EXPECT_TRUE(refused("ours")) << "its own has no name";
  trainer.resume(path_);
  trainer.save_checkpoint(path_, "ours");
  EXPECT_TRUE(refused("theirs"));
  EXPECT_TRUE(refused(""));
  trainer.resume(path_, "ours");
}

TEST_F(BadCheckpointTest, DamageIsRefused) {
  const std::string good = file_bytes(path_);
  for (const std::size_t place : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 1);
    test::put_bytes(path_, bad);
    EXPECT_NE(refusal(options_), "");
  }
  test::put_bytes(path_, good.substr(0, good.size() / 3));
  EXPECT_NE(refusal(options_), "");
  std::filesystem::remove(path_);
  EXPECT_NE(refusal(options_), "");
}

TEST_F(BadCheckpointTest, ALyingOneIsRefused) {
  put_metadata("hourglass_checkpoint", "7");
  EXPECT_NE(refusal(options_).find("another version"), std::string::npos);
  put_metadata("hourglass_checkpoint", "1");
  const auto refused = [&](std::int64_t epoch, std::int64_t waited, std::int64_t batch,
                           std::int64_t steps) {
    put_metadata("progress",
                 R"({"epoch":)" + std::to_string(epoch) +
                     R"(,"loss":1,"penalty":0,"improved":true,"stopped":false,"best":1,"waited":)" +
                     std::to_string(waited) +
                     R"(,"holdout":null,"best_epoch":1,"loss_at_best":1,"batch":)" +
                     std::to_string(batch) + R"(,"adam_steps":)" + std::to_string(steps) + "}");
    return refusal(options_);
  };
  EXPECT_NE(refused(-1, 0, 2, 7).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, -1, 2, 7).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, 0, 5, 7).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, 0, 1, 7).find("progress"), std::string::npos);  // 2 losses, 1 batch
  EXPECT_NE(refused(1, 0, 2, 1).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, 0, 2, 6).find("steps that were not made"), std::string::npos);
  // Beyond what can be counted on from.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_NE(refused(kMost, 0, 2, 7).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, kMost, 2, 7).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, 0, 2, kMost).find("progress"), std::string::npos);
  // More steps than such epochs have would be replayed, a row at a time, for years.
  EXPECT_NE(refused(1, 0, 2, 8).find("progress"), std::string::npos);
  EXPECT_NE(refused(1, 0, 2, 2147483647).find("progress"), std::string::npos);
  const std::string numbers =
      R"("loss":1,"penalty":0,"improved":true,"stopped":false,"best":1,"waited":0,)"
      R"("holdout":null,"best_epoch":1,"loss_at_best":1,"batch":2,"adam_steps":7})";
  put_metadata("progress", R"({"epoch":1,)" + numbers);
  {
    Trainer trainer(*backend_, ratings_.matrix, options_);
    trainer.resume(path_);
    EXPECT_EQ(trainer.last_epoch().epoch, 1);
  }
  put_metadata("progress", R"({"epoch":4294967296,)" + numbers);
  EXPECT_NE(refusal(options_).find("none of a training"), std::string::npos);
  const std::string deep = R"({"epoch":)" + std::string(1'000'000, '[');
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("7"),
        std::string(R"({"epoch":"one"})"), R"({"epoch":true,)" + numbers,
        R"({"epoch":1.0,)" + numbers, R"({"epoch":1e300,)" + numbers,
        R"({"epoch":18446744073709551615,)" + numbers, deep}) {
    put_metadata("progress", text);
    EXPECT_NE(refusal(options_).find("progress cannot be read"), std::string::npos)
        << text.substr(0, 100);
  }
}

}  // namespace
}  // namespace hourglass
