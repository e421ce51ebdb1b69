// What makes the CPU engine fast leaves every bit as it was: idle units left out, dense batches,
// vectors of another width.
#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/core/philox.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/model/safetensors.h"
#include "hourglass/train/trainer.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

/// The CPU engine, its dense batches given as sparse ones where asked, watching what the last
/// hidden layer does.
class WatchedBackend final : public cpu::CpuBackend {
 public:
  explicit WatchedBackend(bool dense) : CpuBackend(2), dense_(dense) {}

  bool takes_dense_input() const override { return dense_; }
  void run(const DenseRows& op) override {
    ++n_dense;
    CpuBackend::run(op);
  }
  void run(const MiddleForward& op) override {
    CpuBackend::run(op);
    const MiddleLayer& last = op.layers.layer[static_cast<std::size_t>(op.layers.n_layers - 1)];
    std::vector<bool> idle(static_cast<std::size_t>(last.out), true);
    for (std::int64_t b = 0; b < op.layers.n_rows; ++b) {
      for (std::int64_t c = 0; c < last.out; ++c) {
        if (last.activation.row(b)[c] != 0) idle[static_cast<std::size_t>(c)] = false;
      }
    }
    for (std::size_t c = 0; c < idle.size(); ++c) {
      n_idle += idle[c] ? 1 : 0;
      if (!was_idle_.empty()) n_woken += was_idle_[c] && !idle[c] ? 1 : 0;
    }
    was_idle_ = idle;
  }
  using CpuBackend::run;

  std::int64_t n_dense = 0, n_idle = 0, n_woken = 0;

 private:
  bool dense_;
  std::vector<bool> was_idle_;
};

CsrMatrix random_ratings(std::int64_t n_rows, std::int64_t n_columns, double density) {
  CsrMatrix m;
  m.n_rows = n_rows;
  m.n_columns = n_columns;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t c = 0; c < n_columns; ++c) {
      const auto words = philox(7, RandomPurpose::kInitialWeights, 9, static_cast<std::uint32_t>(r),
                                static_cast<std::uint32_t>(c));
      if (uniform(words[0]) >= static_cast<float>(density)) continue;
      m.columns.push_back(static_cast<std::int32_t>(c));
      m.values.push_back(1 + 4 * uniform(words[1]));
    }
    m.row_offsets.push_back(std::ssize(m.columns));
  }
  return m;
}

/// A network that learns some steps on a backend: batches of 5 rows, so that units sleep and wake.
class Learner {
 public:
  Learner(Backend& backend, AutoencoderOptions options, double density)
      : ratings_(random_ratings(23, 67, density)),
        batches_(backend, ratings_, 5),
        loss_(backend, 1) {
    options.shape = {.n_columns = 67, .hidden = {35, 18}, .bottleneck = 7};
    options.max_batch = 5;
    options.max_batch_entries = batches_.most_ratings();
    options.density = density;
    network_.emplace(backend, options);
    Model model = initial_model(options.shape, 3);
    // Some units sleep for ever, and some for the most part.
    for (std::size_t u = 0; u < 35; u += 4) model.biases[0][u] = model.biases[4][u] = -100;
    network_->load(model);
    std::vector<std::int32_t> order(23);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i * 7 % 23);
    batches_.start(order);
  }

  void learn(int steps) {
    for (int s = 0; s < steps; ++s) {
      network_->step(batches_, network_->steps() % batches_.size(), loss_.ptr());
      losses_.push_back(loss_.download()[0]);
    }
  }
  Autoencoder& network() { return *network_; }
  const std::vector<double>& losses() const { return losses_; }
  Model model() {
    Model model;
    network_->save(model);
    return model;
  }

 private:
  CsrMatrix ratings_;
  EpochBatches batches_;
  Buffer<double> loss_;
  std::optional<Autoencoder> network_;
  std::vector<double> losses_;
};

void expect_same(Learner& a, Learner& b) {
  EXPECT_EQ(a.losses(), b.losses());
  const Model x = a.model(), y = b.model();
  EXPECT_EQ(x.weights, y.weights);
  EXPECT_EQ(x.biases, y.biases);
}

struct Way {
  const char* name;
  Objective objective;
  OutputPath path;
  double weight_decay;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class SameBitsTest : public testing::TestWithParam<Way> {
 protected:
  AutoencoderOptions options() const {
    AutoencoderOptions o;
    o.objective = GetParam().objective;
    o.output_path = GetParam().path;
    o.adam.weight_decay = GetParam().weight_decay;
    return o;
  }
};

TEST_P(SameBitsTest, IdleUnitsLeftOutOrNot) {
  WatchedBackend one(false), other(false);
  AutoencoderOptions with = options(), without = options();
  without.skip_idle = false;
  Learner skips(one, with, 0.2), does_not(other, without, 0.2);
  skips.learn(24);
  does_not.learn(24);
  expect_same(skips, does_not);
  EXPECT_GT(one.n_idle, 24 * 9);  // more than those that never wake
  EXPECT_GE(one.n_woken, 4);
}

TEST_P(SameBitsTest, DenseBatchesOrSparse) {
  WatchedBackend one(true), other(false);
  Learner dense(one, options(), 0.6), sparse(other, options(), 0.6);
  dense.learn(17);
  sparse.learn(17);
  expect_same(dense, sparse);
  const bool forms_outputs =
      GetParam().objective == Objective::kAllCells && GetParam().path == OutputPath::kDirect;
  EXPECT_EQ(one.n_dense, forms_outputs ? 17 : 0);
  EXPECT_EQ(other.n_dense, 0);
}

// A run may go on elsewhere: rows that were deferred, or never, are taken up by either.
TEST_P(SameBitsTest, AStateGoesFromSparseToDenseAndBack) {
  const test::TempFolder folder;
  WatchedBackend plain(false);
  Learner all(plain, options(), 0.6);
  all.learn(15);
  std::optional<Learner> last;
  WatchedBackend first(true), second(false), third(true);
  int turn = 0;
  for (WatchedBackend* backend : {&first, &second, &third}) {
    Learner next(*backend, options(), 0.6);
    const auto file = folder / std::to_string(turn);
    if (turn > 0) {
      const SafetensorsFile state(folder / std::to_string(turn - 1));
      next.network().load_state(state, 5 * turn);
    }
    next.learn(5);
    save_safetensors(file, next.network().state(), {});
    ++turn;
    if (turn == 3) {
      EXPECT_EQ(next.model().weights, all.model().weights);
    }
  }
}

// Every sum is one chain of multiply-adds in a fixed order, whatever the vectors' width. What is
// not: the errors of rated cells, whose products are added across a vector's lanes.
TEST_P(SameBitsTest, VectorsOfOtherWidths) {
  if (WatchedBackend(true).description() != "AVX-512, 2 threads") {
    GTEST_SKIP() << "no AVX-512 in this processor, or in this build";
  }
  hwy::SetSupportedTargetsForTest(HWY_AVX2);
  hwy::GetChosenTarget().DeInit();
  WatchedBackend narrow(true);
  EXPECT_EQ(narrow.description(), "AVX2, 2 threads");
  Learner avx2(narrow, options(), 0.6);
  avx2.learn(12);
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
  WatchedBackend wide(true);
  EXPECT_EQ(wide.description(), "AVX-512, 2 threads");
  Learner avx512(wide, options(), 0.6);
  avx512.learn(12);
  if (GetParam().objective == Objective::kAllCells) return expect_same(avx2, avx512);
  // Errors differ by a rounding of some 40 products; Adam's step hardly looks at a gradient's
  // size, so a step differs where a gradient is next to nothing.
  for (std::size_t s = 0; s < 12; ++s) {
    EXPECT_NEAR(avx2.losses()[s], avx512.losses()[s], 1e-5 * avx512.losses()[s]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SameBitsTest,
    testing::Values(Way{"gram", Objective::kAllCells, OutputPath::kGram, 0},
                    Way{"direct", Objective::kAllCells, OutputPath::kDirect, 0},
                    Way{"direct_with_decay", Objective::kAllCells, OutputPath::kDirect, 0.01},
                    Way{"rated", Objective::kRatedCells, OutputPath::kAuto, 0}),
    [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace hourglass
