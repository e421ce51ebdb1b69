// The trainer on the CUDA engine, as the emulator runs it: what it asks of the device, and where it
// ends beside the CPU engine.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cpu/backend.h"
#include "cuda/backend.h"
#include "emulator/counters.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/train/trainer.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

/// What is done at the output layer, which has three ways, and in the middle, which has two: widths
/// beyond a kernel's are cuBLAS's.
struct Way {
  std::string name;
  Objective objective;
  OutputPath path;
  int second_hidden = 12;
};

TrainOptions small_options(const Way& way) {
  TrainOptions options;
  options.output_path = way.path;
  options.shape.hidden = {20, way.second_hidden};
  options.shape.bottleneck = 5;
  options.objective = way.objective;
  options.batch_size = 16;
  options.epochs = 3;
  return options;
}

CsrMatrix small_ratings() { return synthetic_ratings({.rows = 90, .columns = 37}).matrix; }

Model start(const TrainOptions& options, const CsrMatrix& ratings) {
  TrainOptions with_columns = options;
  with_columns.shape.n_columns = ratings.n_columns;
  return initial_model(with_columns.shape, 42);
}

class CudaTrainingTest : public testing::TestWithParam<Way> {
 protected:
  CudaTrainingTest() {
    options_.shape.n_columns = ratings_.n_columns;
    model_ = start(options_, ratings_);
  }

  CsrMatrix ratings_ = small_ratings();
  TrainOptions options_ = small_options(GetParam());
  Model model_;
};

TEST_P(CudaTrainingTest, AStepIsOneGraphAndAnEpochNeitherWaitsNorAllocates) {
  cuda::CudaBackend backend;
  Trainer trainer(backend, ratings_, options_);
  trainer.start(model_);
  while (!trainer.step()) {
  }
  const emulator::Counters first_epoch = emulator::counters();
  for (int epoch = 2; epoch <= 3; ++epoch) {
    trainer.step();  // sends the epoch's order, and transposes its batches
    const emulator::Counters mark = emulator::counters();
    std::int64_t n_steps = 0;
    for (; trainer.batches_done() + 1 < trainer.batches_per_epoch(); ++n_steps) trainer.step();
    const emulator::Counters made = emulator::counters() - mark;
    EXPECT_EQ(made.host_synchronisations, 0) << "in epoch " << epoch;
    EXPECT_EQ(made.allocations, 0);
    EXPECT_EQ(made.kernel_launches, 0) << "outside of a graph";
    EXPECT_EQ(made.library_launches, 0) << "outside of a graph";
    EXPECT_EQ(made.copies, 0);
    EXPECT_EQ(made.graph_launches, n_steps);
    const emulator::Counters whole = emulator::counters();
    ASSERT_TRUE(trainer.step());
    // The last step's graph, and the losses; the order and the next epoch's columns are to come.
    EXPECT_EQ((emulator::counters() - whole).allocations, 0);
  }
  EXPECT_EQ((emulator::counters() - first_epoch).graph_instantiations, 0);
}

TEST_P(CudaTrainingTest, GraphsDoNotShowInTheBits) {
  const auto train_with = [&](const char* graphs) {
    ::setenv("HOURGLASS_CUDA_GRAPHS", graphs, 1);
    cuda::CudaBackend backend;
    ::unsetenv("HOURGLASS_CUDA_GRAPHS");
    Model model = model_;
    train(backend, ratings_, options_, model, [](const EpochResult&) {});
    return model;
  };
  const Model with = train_with("1"), without = train_with("0");
  EXPECT_EQ(with.weights, without.weights);
  EXPECT_EQ(with.biases, without.biases);
}

TEST_P(CudaTrainingTest, LossesAreTheCpusToRounding) {
  const auto losses = [&](Backend& backend) {
    std::vector<double> all;
    Model model = model_;
    train(backend, ratings_, options_, model,
          [&](const EpochResult& epoch) { all.push_back(epoch.loss); });
    return all;
  };
  cuda::CudaBackend cuda;
  cpu::CpuBackend cpu(2);
  const std::vector<double> a = losses(cuda), b = losses(cpu);
  ASSERT_EQ(a.size(), 3U);
  ASSERT_EQ(b.size(), 3U);
  for (std::size_t e = 0; e < a.size(); ++e) {
    // Sums of some hundred products in other orders, and what 18 steps make of the difference.
    EXPECT_TRUE(std::abs(a[e] - b[e]) <= 1e-5 * b[e]) << a[e] << " and " << b[e];
  }
}

// Stopped after any batch, and taken up by the same engine: the bits of a run that was not stopped.
// Taken up by the other: its losses to rounding.
TEST_P(CudaTrainingTest, ACheckpointGoesOnAndMovesBetweenEngines) {
  const test::TempFolder folder;
  const std::filesystem::path file = folder / "checkpoint";
  cuda::CudaBackend cuda;
  cpu::CpuBackend cpu(2);
  const auto finish = [](Trainer& trainer) {
    while (!trainer.done()) trainer.step();
    Model model;
    trainer.save(model);
    return std::pair(model, trainer.last_epoch().loss);
  };
  Trainer whole(cuda, ratings_, options_);
  whole.start(model_);
  const auto [want, loss] = finish(whole);
  for (const int stop : {1, 6, 9}) {
    SCOPED_TRACE(stop);
    Trainer first(cuda, ratings_, options_);
    first.start(model_);
    for (int b = 0; b < stop; ++b) first.step();
    first.save_checkpoint(file);
    Trainer second(cuda, ratings_, options_);
    second.resume(file);
    const auto [got, _] = finish(second);
    EXPECT_EQ(got.weights, want.weights);
    EXPECT_EQ(got.biases, want.biases);
    Trainer moved(cpu, ratings_, options_);
    moved.resume(file);
    const double other = finish(moved).second;
    EXPECT_TRUE(std::abs(other - loss) <= 1e-5 * loss) << other << " and " << loss;
  }
}

TEST_P(CudaTrainingTest, SaysHowMuchMemoryItWillTake) {
  cuda::CudaBackend backend;
  const std::size_t before = backend.free_memory().value();
  const std::size_t told = training_memory(backend, ratings_, options_).backend;
  const Trainer trainer(backend, ratings_, options_);
  const std::size_t taken = before - backend.free_memory().value();
  EXPECT_LE(told, taken);
  // A card rounds each of some sixty arrays up.
  EXPECT_LE(taken, told + 100 * 512);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, CudaTrainingTest,
    testing::Values(Way{"Gram", Objective::kAllCells, OutputPath::kGram},
                    Way{"Direct", Objective::kAllCells, OutputPath::kDirect},
                    Way{"Observed", Objective::kRatedCells, OutputPath::kAuto},
                    Way{"WideMiddle", Objective::kAllCells, OutputPath::kGram, 260}),
    [](const auto& test) { return test.param.name; });

// Real ratings: the first 1,200 columns of goodbooks' users, the notebook's network.
TEST(CudaTrainingOnGoodbooks, TwentyStepsAreTheCpusToRounding) {
  const std::filesystem::path data = HOURGLASS_DATA;
  if (!std::filesystem::exists(data / "goodbooks")) GTEST_SKIP() << "skipped: no data";
  const CsrMatrix whole = read_ratings(data / "goodbooks" / "ratings.csv.gz", {}).matrix;
  CsrMatrix ratings;
  ratings.n_columns = 1200;
  for (std::int64_t row = 0; row < 20 * 32; ++row) {
    const auto columns = whole.row_columns(row);
    const auto values = whole.row_values(row);
    for (std::size_t i = 0; i < columns.size() && columns[i] < ratings.n_columns; ++i) {
      ratings.columns.push_back(columns[i]);
      ratings.values.push_back(values[i]);
    }
    ratings.row_offsets.push_back(std::ssize(ratings.columns));
  }
  ratings.n_rows = std::ssize(ratings.row_offsets) - 1;
  TrainOptions options;
  options.shape.n_columns = ratings.n_columns;
  options.batch_size = 32;
  options.epochs = 1;
  const Model model = initial_model(options.shape, 42);
  const auto run = [&](Backend& backend) {
    Model trained = model;
    double loss = 0;
    train(backend, ratings, options, trained, [&](const EpochResult& e) { loss = e.loss; });
    return std::pair(trained, loss);
  };
  cuda::CudaBackend cuda;
  cpu::CpuBackend cpu(2);
  const auto [on_cuda, cuda_loss] = run(cuda);
  const auto [on_cpu, cpu_loss] = run(cpu);
  EXPECT_TRUE(std::abs(cuda_loss - cpu_loss) <= 1e-5 * cpu_loss) << cuda_loss << ", " << cpu_loss;
  for (std::size_t l = 0; l < model.weights.size(); ++l) {
    double squares = 0, differences = 0;
    for (std::size_t i = 0; i < on_cpu.weights[l].size(); ++i) {
      const double a = on_cpu.weights[l][i], b = on_cuda.weights[l][i];
      squares += a * a;
      differences += (a - b) * (a - b);
    }
    // Float32 of PyTorch is 1e-5 to 1e-4 from its float64 after 20 steps (tests/golden), since Adam
    // makes steps of one size of gradients that are all rounding; four times the least of that.
    const double off = std::sqrt(differences / squares);
    EXPECT_TRUE(off <= 4e-5) << "layer " << l << ": " << off;
  }
}

}  // namespace
}  // namespace hourglass
