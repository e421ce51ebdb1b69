#include "hourglass/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/core/error.h"
#include "hourglass/data/synthetic.h"

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

TEST(TrainTest, RefusesRatingsWithoutAny) {
  CsrMatrix empty;
  empty.n_columns = 3;
  TrainOptions options;
  options.shape = {.n_columns = 3, .hidden = {}, .bottleneck = 2};
  EXPECT_THROW(losses(empty, options, 1), Error);
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
