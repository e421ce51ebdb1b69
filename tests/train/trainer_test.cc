#include "hourglass/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/core/error.h"
#include "hourglass/data/hide_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/model/predictor.h"

namespace hourglass {
namespace {

TEST(ShuffledRowsTest, IsAPermutationThatDependsOnSeedAndEpochAlone) {
  const std::vector<std::int32_t> order = shuffled_rows(1009, 7, 3);
  std::vector<std::int32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int32_t i = 0; i < 1009; ++i) ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(order, shuffled_rows(1009, 7, 3));
  EXPECT_NE(order, shuffled_rows(1009, 7, 4));
  EXPECT_NE(order, shuffled_rows(1009, 8, 3));
}

TEST(InitialModelTest, FillsPyTorchsBounds) {
  const NetworkShape shape = {.n_columns = 400, .hidden = {32}, .bottleneck = 8};
  const Model model = initial_model(shape, 42);
  const std::vector<LayerShape> layers = shape.layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double bound = 1 / std::sqrt(static_cast<double>(layers[l].n_inputs));
    double greatest = 0, sum = 0;
    for (const float w : model.weights[l]) {
      greatest = std::max(greatest, std::abs(static_cast<double>(w)));
      sum += w;
    }
    const auto n = static_cast<double>(model.weights[l].size());
    EXPECT_LE(greatest, bound * (1 + 1e-6)) << layers[l].name;
    EXPECT_GE(greatest, bound * (1 - 20 / n)) << layers[l].name;
    EXPECT_LE(std::abs(sum / n), 5 * bound / std::sqrt(3 * n)) << layers[l].name;  // 5 sigma
    for (const float b : model.biases[l]) EXPECT_LE(std::abs(b), bound * (1 + 1e-6));
  }
}

TEST(InitialModelTest, StartsAtTheColumnsDampedMeans) {
  const NetworkShape shape = {.n_columns = 3, .hidden = {4}, .bottleneck = 2};
  Model model = initial_model(shape, 42);
  const Model before = model;
  CsrMatrix ratings = {.n_rows = 2,
                       .n_columns = 3,
                       .row_offsets = {0, 2, 3},
                       .columns = {0, 1, 0},
                       .values = {5, 3, 4}};  // mean 4; columns: 5 and 4, 3, none
  start_at_column_means(model, ratings);
  EXPECT_EQ(model.biases.back(), (std::vector<float>{49.0F / 12, 43.0F / 11, 4}));
  EXPECT_EQ(model.weights, before.weights);
  EXPECT_EQ(model.biases.front(), before.biases.front());
}

TEST(EarlyStoppingTest, CountsAsTheNotebookDoes) {
  EarlyStopping early{.min_delta = 0.1, .patience = 2};
  EXPECT_TRUE(early.improved(1.0));
  EXPECT_FALSE(early.improved(0.95));  // better, but by less than min_delta
  EXPECT_FALSE(early.stop());
  EXPECT_TRUE(early.improved(0.8));
  EXPECT_FALSE(early.improved(0.75));
  EXPECT_FALSE(early.improved(0.75));
  EXPECT_TRUE(early.stop());
  EXPECT_EQ(early.best, 0.8);
}

std::vector<double> losses(const CsrMatrix& ratings, const TrainOptions& options, int threads) {
  cpu::CpuBackend backend(threads);
  Model model = initial_model(options.shape, options.seed);
  std::vector<double> all;
  train(backend, ratings, options, model, [&](const EpochResult& e) { all.push_back(e.loss); });
  return all;
}

TEST(TrainTest, StopsEarlyAndSaysSo) {
  const Ratings ratings = synthetic_ratings({.rows = 100, .columns = 30});
  TrainOptions options;
  options.shape = {.n_columns = 30, .hidden = {16}, .bottleneck = 4};
  options.epochs = 50;
  options.min_delta = 1e9;  // nothing after the first epoch improves
  options.patience = 3;
  EXPECT_EQ(losses(ratings.matrix, options, 2).size(), 4U);
}

TEST(TrainTest, NamesTheStepThatDiverged) {
  const Ratings ratings = synthetic_ratings({.rows = 100, .columns = 30});
  TrainOptions options;
  options.shape = {.n_columns = 30, .hidden = {16}, .bottleneck = 4};
  options.adam.learning_rate = 1e30;
  try {
    losses(ratings.matrix, options, 1);
    FAIL() << "a learning rate of 1e30 was survived";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("diverged in epoch 2, step 1"), std::string::npos)
        << error.what();
  }
}

// What `auto` takes is the data's affair; either path ends at the same losses, but for rounding.
TEST(TrainTest, TakesTheOutputPathThatCostsLess) {
  const auto dense = synthetic_ratings({.rows = 200, .columns = 40, .sparsity = 0, .noise = 0});
  const auto sparse = synthetic_ratings({.rows = 200, .columns = 40, .sparsity = 0.98, .noise = 0});
  TrainOptions options;
  options.shape = {.n_columns = 40, .hidden = {16}, .bottleneck = 4};
  options.epochs = 3;
  cpu::CpuBackend backend(2);
  EXPECT_EQ(Trainer(backend, dense.matrix, options).output_path(), OutputPath::kDirect);
  EXPECT_EQ(Trainer(backend, sparse.matrix, options).output_path(), OutputPath::kGram);
  for (const auto& ratings : {dense, sparse}) {
    std::vector<double> by_path[2];
    for (const OutputPath path : {OutputPath::kGram, OutputPath::kDirect}) {
      options.output_path = path;
      EXPECT_EQ(Trainer(backend, ratings.matrix, options).output_path(), path);
      by_path[path == OutputPath::kDirect] = losses(ratings.matrix, options, 2);
    }
    for (std::size_t e = 0; e < 3; ++e) EXPECT_NEAR(by_path[0][e] / by_path[1][e], 1, 1e-4);
    EXPECT_NE(by_path[0], by_path[1]) << "one path was taken for the other";
    options.output_path = OutputPath::kAuto;
  }
}

TEST(TrainTest, RefusesRatingsWithoutAny) {
  CsrMatrix empty;
  empty.n_columns = 3;
  TrainOptions options;
  options.shape = {.n_columns = 3, .hidden = {}, .bottleneck = 2};
  EXPECT_THROW(losses(empty, options, 1), Error);
}

/// The mean square over `targets` of what `model` predicts from `given`.
double loss_of(const Model& model, const CsrMatrix& given, const CsrMatrix& targets) {
  cpu::CpuBackend backend(1);
  Predictor predictor(backend, model);
  const HiddenRows hidden = predictor.hidden(given);
  std::vector<float> outputs(static_cast<std::size_t>(given.n_rows * given.n_columns));
  predictor.outputs(hidden, 0, outputs);
  double sum = 0;
  for (std::int64_t r = 0; r < targets.n_rows; ++r) {
    for (auto e = targets.row_offsets[static_cast<std::size_t>(r)];
         e < targets.row_offsets[static_cast<std::size_t>(r) + 1]; ++e) {
      const auto i = static_cast<std::size_t>(e);
      const auto cell = static_cast<std::size_t>(r * given.n_columns + targets.columns[i]);
      const double error = static_cast<double>(outputs[cell]) - targets.values[i];
      sum += error * error;
    }
  }
  return sum / static_cast<double>(targets.n_entries());
}

// Three epochs, each ended: its held-out loss is that of the weights it left; with
// Monitor::kHoldout the best epoch's weights come out, not the last one's.
TEST(TrainTest, WatchesHeldOutRatingsAndKeepsTheBestWeights) {
  const SplitRatings split = hide_ratings(synthetic_ratings({.rows = 90, .columns = 30}).matrix,
                                          0.2, 7, RandomPurpose::kHoldout);
  for (const Objective objective : {Objective::kAllCells, Objective::kRatedCells}) {
    TrainOptions options;
    options.shape = {.n_columns = 30, .hidden = {16}, .bottleneck = 4};
    options.objective = objective;
    options.batch_size = 32;
    options.epochs = 30;
    options.patience = 100;
    options.adam.learning_rate = 0.03;
    for (const Monitor monitor : {Monitor::kTraining, Monitor::kHoldout}) {
      options.monitor = monitor;
      cpu::CpuBackend backend(2);
      Trainer trainer(backend, split.given, options, &split.hidden);
      trainer.start(initial_model(options.shape, 42));
      std::vector<double> losses;
      while (!trainer.done()) {
        if (const auto epoch = trainer.step()) losses.push_back(epoch->holdout.value());
      }
      Model model;
      trainer.save(model);
      const EpochResult& last = trainer.last_epoch();
      if (monitor == Monitor::kHoldout) {
        ASSERT_LT(last.best_epoch, 30) << "nothing was overfitted, so nothing is tested";
        EXPECT_EQ(last.best, losses[static_cast<std::size_t>(last.best_epoch - 1)]);
        EXPECT_LE(last.best, *std::min_element(losses.begin(), losses.end()) + options.min_delta);
      }
      const double expected = monitor == Monitor::kHoldout ? last.best : losses.back();
      EXPECT_NEAR(loss_of(model, split.given, split.hidden), expected, 1e-5 * expected);
    }
  }
}

TEST(TrainTest, AHoldoutThatIsEmptyCannotBeWatched) {
  const Ratings ratings = synthetic_ratings({.rows = 20, .columns = 10});
  TrainOptions options;
  options.shape = {.n_columns = 10, .hidden = {}, .bottleneck = 2};
  options.monitor = Monitor::kHoldout;
  cpu::CpuBackend backend(1);
  CsrMatrix empty;
  empty.n_rows = 20;
  empty.n_columns = 10;
  empty.row_offsets.assign(21, 0);
  EXPECT_THROW(Trainer(backend, ratings.matrix, options), Error);
  EXPECT_THROW(Trainer(backend, ratings.matrix, options, &empty), Error);
}

// PyTorch's own spread on the notebook's job, over 12 seeds (the intervals).
TEST(TrainTest, LossesOnTheNotebooksMatrixLieInPyTorchsSpread) {
  for (std::uint64_t seed = 42; seed < 47; ++seed) {
    const Ratings ratings = synthetic_ratings({.seed = seed});
    TrainOptions options;
    options.shape.n_columns = 500;
    options.epochs = 10;
    options.seed = seed;
    const std::vector<double> loss = losses(ratings.matrix, options, 1);
    ASSERT_EQ(loss.size(), 10U);
    std::printf("  seed %d: %.4f %.4f %.4f\n", static_cast<int>(seed), loss[0], loss[3], loss[9]);
    EXPECT_FALSE(!(loss[0] >= 1.520 && loss[0] <= 1.540)) << "seed " << seed << ": " << loss[0];
    EXPECT_FALSE(!(loss[3] >= 1.430 && loss[3] <= 1.460)) << "seed " << seed << ": " << loss[3];
    EXPECT_FALSE(!(loss[9] >= 1.378 && loss[9] <= 1.412)) << "seed " << seed << ": " << loss[9];
  }
}

}  // namespace
}  // namespace hourglass
