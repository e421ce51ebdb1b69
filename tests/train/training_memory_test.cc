// What a training is told to take, against what it takes.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <fstream>
#include <ostream>
#include <string>

#include "cpu/backend.h"
#include "hourglass/data/hide_ratings.h"
#include "hourglass/data/synthetic.h"
#include "hourglass/model/model_file.h"
#include "hourglass/train/trainer.h"
#include "support/temp_folder.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

namespace hourglass {
namespace {

/// A number of /proc/self/status, in bytes.
std::int64_t status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  std::string word;
  std::int64_t kib = -1;
  while (file >> word) {
    if (word == key + ":" && file >> kib) return kib * 1024;
  }
  return -1;
}

/// The process's peak, from now on.
void forget_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

struct Shape {
  std::string name;
  std::int64_t rows, columns;
  double sparsity = 0.99;
  std::vector<int> hidden = {128, 64};
  std::int32_t batch_size = 128;
  Objective objective = Objective::kAllCells;
  OutputPath path = OutputPath::kAuto;
  double holdout = 0;
  int threads = 2;

  friend std::ostream& operator<<(std::ostream& out, const Shape& s) { return out << s.name; }
};

class TrainingMemoryTest : public testing::TestWithParam<Shape> {};

TEST_P(TrainingMemoryTest, IsWhatTheTrainingTakes) {
  if (SANITIZED) GTEST_SKIP() << "skipped: a sanitizer's own memory is all one would see";
  const Shape& shape = GetParam();
  Ratings ratings = synthetic_ratings(
      {.rows = shape.rows, .columns = shape.columns, .sparsity = shape.sparsity, .noise = 0});
  SplitRatings split;
  split.given = ratings.matrix;
  if (shape.holdout > 0) {
    split = hide_ratings(ratings.matrix, shape.holdout, 42, RandomPurpose::kHoldout);
  }
  TrainOptions options;
  options.shape = {.n_columns = shape.columns, .hidden = shape.hidden, .bottleneck = 16};
  options.objective = shape.objective;
  options.output_path = shape.path;
  options.batch_size = shape.batch_size;
  options.monitor = shape.holdout > 0 ? Monitor::kHoldout : Monitor::kTraining;
  const CsrMatrix* holdout = shape.holdout > 0 ? &split.hidden : nullptr;
  const test::TempFolder folder;
  cpu::CpuBackend backend(shape.threads);
  const TrainingMemory told =
      training_memory(backend, split.given, options, holdout, ratings.column_ids);
  forget_peak();
  const std::int64_t before = status("VmRSS");
  ASSERT_LT(status("VmHWM") - before, 1 << 20) << "the peak of before is forgotten";
  {
    Trainer trainer(backend, split.given, options, holdout);
    trainer.start(initial_model(options.shape, 42));
    for (int epoch = 0; epoch < 2;) epoch += trainer.step().has_value() ? 1 : 0;
    trainer.save_checkpoint(folder / "checkpoint");
    Model model;
    model.shape = options.shape;
    model.column_ids = ratings.column_ids;
    model.objective = shape.objective == Objective::kAllCells ? "all" : "observed";
    trainer.save(model);
    save_model(folder / "model", model);
  }
  const std::int64_t took = status("VmHWM") - before;
  const auto needed = static_cast<std::int64_t>(told.backend + told.host);
  constexpr std::int64_t kConstant = 6 << 20;  // kSmallThings, and a huge page
  RecordProperty("took_kib", std::to_string(took >> 10));
  RecordProperty("told_kib", std::to_string(needed >> 10));
  EXPECT_GE(needed, took);
  EXPECT_LE(needed, took + took * 3 / 10 + kConstant)
      << "took " << (took >> 10) << " KiB, told " << (needed >> 10);
}

INSTANTIATE_TEST_SUITE_P(Shapes, TrainingMemoryTest,
                         testing::Values(Shape{.name = "Wide", .rows = 500, .columns = 30000},
                                         Shape{.name = "WideObserved",
                                               .rows = 500,
                                               .columns = 30000,
                                               .objective = Objective::kRatedCells},
                                         Shape{.name = "HeldOut",
                                               .rows = 500,
                                               .columns = 30000,
                                               .objective = Objective::kRatedCells,
                                               .holdout = 0.2},
                                         Shape{.name = "Direct",
                                               .rows = 1000,
                                               .columns = 8000,
                                               .batch_size = 1000,
                                               .path = OutputPath::kDirect},
                                         Shape{.name = "DenseInput",
                                               .rows = 2000,
                                               .columns = 1500,
                                               .sparsity = 0.2,
                                               .batch_size = 512,
                                               .path = OutputPath::kDirect},
                                         Shape{.name = "WideLayers",
                                               .rows = 1000,
                                               .columns = 2000,
                                               .hidden = {1024, 512},
                                               .batch_size = 1000},
                                         Shape{.name = "FullBatches",
                                               .rows = 20000,
                                               .columns = 1000,
                                               .sparsity = 0.8,
                                               .batch_size = 20000,
                                               .path = OutputPath::kGram},
                                         Shape{.name = "ManyThreads",
                                               .rows = 2000,
                                               .columns = 1000,
                                               .hidden = {1024},
                                               .batch_size = 2000,
                                               .path = OutputPath::kDirect,
                                               .threads = 16}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hourglass
