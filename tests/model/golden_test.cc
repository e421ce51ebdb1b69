// Whole training against PyTorch's own trajectories (tests/golden/README.md says what they are).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cpu/backend.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/model/safetensors.h"
#include "ops/backends_under_test.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

std::filesystem::path golden_folder() {
  const char* elsewhere = std::getenv("HOURGLASS_GOLDEN_FOLDER");  // where the tests are moved
  return elsewhere != nullptr ? elsewhere : HOURGLASS_GOLDEN_FOLDER;
}

/// The engines that follow PyTorch: one of each kind.
std::vector<std::string> engines() {
  std::vector<std::string> names;
  for (const auto& backend : ops_test::backends_under_test()) {
    if (backend.name != "cpu1") names.push_back(backend.name);
  }
  return names;
}

std::unique_ptr<Backend> open(const std::string& engine) {
  for (const auto& backend : ops_test::backends_under_test()) {
    if (backend.name == engine) return backend.open();
  }
  return std::make_unique<cpu::CpuBackend>(std::stoi(engine.substr(3)));  // "cpu8": 8 threads
}

/// One golden case, and a trainer on some engine that walks through it.
class Golden {
 public:
  Golden(const std::string& name, const std::string& engine, OutputPath path)
      : file_(golden_folder() / (name + ".safetensors")),
        backend_(open(engine)) {
    const auto& meta = file_.metadata();
    options_.shape.n_columns = std::stoll(meta.at("n_columns"));
    options_.shape.bottleneck = std::stoi(meta.at("bottleneck"));
    options_.shape.hidden.clear();
    std::istringstream hidden(meta.at("hidden"));
    for (std::string width; std::getline(hidden, width, ',');) {
      options_.shape.hidden.push_back(std::stoi(width));
    }
    options_.objective =
        meta.at("objective") == "all" ? Objective::kAllCells : Objective::kRatedCells;
    options_.adam.learning_rate = std::stod(meta.at("learning_rate"));
    options_.adam.weight_decay = std::stod(meta.at("weight_decay"));
    if (meta.contains("sparsity_weight")) {
      options_.sparsity = {std::stod(meta.at("sparsity_weight")),
                           std::stod(meta.at("sparsity_target"))};
    }
    options_.output_path = path;
    options_.max_batch = std::stoi(meta.at("batch_size"));
    offsets_ = file_.read_i64("ratings.row_offsets");
    options_.max_batch_entries = offsets_.back();
    const std::vector<std::int32_t> columns = file_.read_i32("ratings.columns");
    const std::vector<float> values = file_.read_f32("ratings.values");
    ratings_ = CsrMatrix{std::ssize(offsets_) - 1, options_.shape.n_columns, offsets_, columns,
                         values};
    batches_.emplace(*backend_, ratings_, options_.max_batch);
    std::vector<std::int32_t> order(offsets_.size() - 1);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    batches_->start(order);
    loss_ = Buffer<double>(*backend_, 2);
    model_.shape = options_.shape;
    for (const LayerShape& layer : options_.shape.layers()) {
      model_.weights.push_back(file_.read_f32("init." + layer.name + ".weight"));
      model_.biases.push_back(file_.read_f32("init." + layer.name + ".bias"));
      names_.push_back(layer.name + ".weight");
      names_.push_back(layer.name + ".bias");
    }
    network_ = std::make_unique<Autoencoder>(*backend_, options_);
    network_->load(model_);
  }

  /// The next batch that makes a step; its loss.
  double step() {
    for (;;) {
      const std::int64_t batch = next_batch_;
      next_batch_ = (next_batch_ + 1) % batches_->size();
      if (options_.objective == Objective::kRatedCells && batches_->n_ratings(batch) == 0) continue;
      network_->step(*batches_, batch, loss_.ptr(), loss_.ptr() + 1);
      const std::vector<double> parts = loss_.download();  // the penalty's is 0 without one
      return parts[0] + parts[1];
    }
  }

  /// The gradient of the last step, which must have been the first: Adam's m / (1 - beta1), without
  /// weight decay's part. In PyTorch's order and layout.
  std::vector<std::vector<double>> first_gradients() {
    const test::TempFolder folder;
    save_safetensors(folder / "state", network_->state(), {});
    const SafetensorsFile state(folder / "state");
    std::vector<std::vector<double>> gradients;
    for (std::size_t l = 0; l < model_.weights.size(); ++l) {
      const LayerShape layer = options_.shape.layers()[l];
      const std::vector<float> moment = state.read_f32(layer.name + ".first_moment");
      const std::int64_t stride = state.tensors().at(layer.name + ".first_moment").shape[1];
      const bool output = l + 1 == model_.weights.size();
      const auto gradient = [&](std::int64_t o, std::int64_t i, float weight) {
        const std::int64_t place = output ? o * stride + i : i * stride + o;
        // The float that the step used, not 0.1: its rounding is no error of the gradient.
        return static_cast<double>(moment[static_cast<std::size_t>(place)]) /
                   static_cast<double>(static_cast<float>(1 - options_.adam.beta1)) -
               options_.adam.weight_decay * static_cast<double>(weight);
      };
      std::vector<double> weight, bias;
      for (std::int64_t o = 0; o < layer.n_outputs; ++o) {
        for (std::int64_t i = 0; i < layer.n_inputs; ++i) {
          weight.push_back(
              gradient(o, i, model_.weights[l][static_cast<std::size_t>(o * layer.n_inputs + i)]));
        }
        bias.push_back(gradient(o, layer.n_inputs, model_.biases[l][static_cast<std::size_t>(o)]));
      }
      gradients.push_back(std::move(weight));
      gradients.push_back(std::move(bias));
    }
    return gradients;
  }

  const Model& weights() {
    network_->save(model_);
    return model_;
  }
  /// Tensor t in PyTorch's order: weight, bias, weight, ...
  const std::vector<float>& tensor(std::size_t t) {
    return t % 2 == 0 ? model_.weights[t / 2] : model_.biases[t / 2];
  }
  const SafetensorsFile& file() const { return file_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  SafetensorsFile file_;
  std::unique_ptr<Backend> backend_;
  AutoencoderOptions options_;
  std::vector<std::int64_t> offsets_;
  CsrMatrix ratings_;
  std::optional<EpochBatches> batches_;
  Buffer<double> loss_;
  Model model_;
  std::vector<std::string> names_;
  std::unique_ptr<Autoencoder> network_;
  std::int64_t next_batch_ = 0;
};

/// A case and the path of its output layer.
struct Case {
  std::string name;
  OutputPath path;

  std::string to_string() const {
    return name + (path == OutputPath::kDirect ? "_direct" : "");
  }
};

/// Every case; those of all cells on both paths.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* name :
       {"all_dense_k64", "all_dense_k8", "all_sparse_k64", "all_sparse_k8", "all_sparse_no_hidden",
        "sparse_code_all_k10", "sparse_code_all_no_hidden"}) {
    all.push_back({name, OutputPath::kGram});
    all.push_back({name, OutputPath::kDirect});
  }
  for (const char* name :
       {"observed_dense_k64", "observed_dense_k8", "observed_dense_one_hidden_decay",
        "observed_sparse_k64", "observed_sparse_k8", "sparse_code_observed_k8"}) {
    all.push_back({name, OutputPath::kGram});
  }
  return all;
}

class GoldenTest : public testing::TestWithParam<std::tuple<Case, std::string>> {
 protected:
  static Golden golden() {
    const auto& [of, engine] = GetParam();
    return Golden(of.name, engine, of.path);
  }
};

TEST_P(GoldenTest, FollowsPyTorch) {
  Golden golden = GoldenTest::golden();
  const std::vector<double> losses = golden.file().read_f64("losses.f64");
  const std::vector<double> loss_distance = golden.file().read_f64("distance.losses");
  const std::vector<double> distance = golden.file().read_f64("distance.weights");
  const std::vector<std::int32_t> steps = golden.file().read_i32("steps");
  const std::size_t n_tensors = golden.names().size();
  double worst_loss = 0;
  std::size_t done = 0;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    for (; done < static_cast<std::size_t>(steps[s]); ++done) {
      const double off = std::abs(golden.step() - losses[done]) / losses[done];
      ASSERT_FALSE(!(off <= 4 * loss_distance[s])) << "step " << done + 1 << " is off by " << off;
      worst_loss = std::max(worst_loss, off / loss_distance[s]);
    }
    golden.weights();
    double worst = 0;
    for (std::size_t t = 0; t < n_tensors; ++t) {
      const std::vector<double> want =
          golden.file().read_f64("step" + std::to_string(steps[s]) + "." + golden.names()[t]);
      const std::vector<float>& got = golden.tensor(t);
      ASSERT_EQ(got.size(), want.size());
      double squares = 0, differences = 0;
      for (std::size_t i = 0; i < want.size(); ++i) {
        squares += want[i] * want[i];
        differences += (got[i] - want[i]) * (got[i] - want[i]);
      }
      const double off = std::sqrt(differences / squares) / distance[s * n_tensors + t];
      EXPECT_FALSE(!(off <= 4)) << golden.names()[t] << " after " << steps[s] << " steps: " << off
                                << " of PyTorch's own distance";
      worst = std::max(worst, off);
    }
    std::printf(
        "  after %3d steps: weights within %.2f, losses within %.2f of PyTorch's distance\n",
        steps[s], worst, worst_loss);
  }
}

// Within the rounding bound of each element, which make_goldens.py computes; 0 means exactly 0.
// With weight decay the decay's own rounding, in g + wd w, comes on top.
TEST_P(GoldenTest, FirstStepsGradientsAreWithinTheirRoundingBound) {
  Golden golden = GoldenTest::golden();
  golden.step();
  const std::vector<std::vector<double>> gradients = golden.first_gradients();
  const double decay = std::stod(golden.file().metadata().at("weight_decay"));
  double worst = 0;
  std::int64_t n_zeros = 0;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    const std::string& name = golden.names()[t];
    const std::vector<double> want = golden.file().read_f64("grad." + name);
    const std::vector<float> bound = golden.file().read_f32("grad_bound." + name);
    const std::vector<float>& start = golden.tensor(t);
    ASSERT_EQ(gradients[t].size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      constexpr double kEps = 0x1p-23;
      // m = (1 - beta1) g rounds once; the decay's product and sum once each.
      double allowed = bound[i] + kEps * std::abs(want[i]);
      allowed += 3 * kEps * decay * std::abs(static_cast<double>(start[i]));
      const double off = std::abs(gradients[t][i] - want[i]);
      ASSERT_FALSE(!(off <= allowed)) << name << "[" << i << "]: " << gradients[t][i] << ", not "
                                      << want[i] << " +- " << allowed;
      if (allowed > 0) worst = std::max(worst, off / allowed);
      n_zeros += allowed == 0;
    }
  }
  std::printf("  gradients within %.2f of their bound, %lld exactly 0\n", worst,
              static_cast<long long>(n_zeros));
}

INSTANTIATE_TEST_SUITE_P(Engines, GoldenTest,
                         testing::Combine(testing::ValuesIn(cases()),
                                          testing::ValuesIn(engines())),
                         [](const auto& test) {
                           return std::get<0>(test.param).to_string() + "_" +
                                  std::get<1>(test.param);
                         });

class SameBitsTest : public testing::TestWithParam<Case> {
 protected:
  static Golden on(const std::string& engine) {
    return Golden(GetParam().name, engine, GetParam().path);
  }
};

TEST_P(SameBitsTest, AtAnyNumberOfThreads) {
  Golden one = on("cpu1"), two = on("cpu2"), eight = on("cpu8");
  for (int s = 0; s < 20; ++s) {
    const double loss = one.step();
    ASSERT_EQ(loss, two.step()) << "step " << s + 1;
    ASSERT_EQ(loss, eight.step()) << "step " << s + 1;
  }
  EXPECT_EQ(one.weights().weights, two.weights().weights);
  EXPECT_EQ(one.weights().weights, eight.weights().weights);
  EXPECT_EQ(one.weights().biases, eight.weights().biases);
}

// Looking at the weights catches deferred rows up; had the replay not the dense step's bits,
// looking after every step (which makes every step dense) would end elsewhere than looking once.
TEST_P(SameBitsTest, WhoeverLooks) {
  for (const std::string& engine : engines()) {
    Golden seen = on(engine), unseen = on(engine);
    for (int s = 0; s < 20; ++s) {
      ASSERT_EQ(seen.step(), unseen.step()) << engine << ", step " << s + 1;
      seen.weights();
    }
    EXPECT_EQ(seen.weights().weights, unseen.weights().weights) << engine;
    EXPECT_EQ(seen.weights().biases, unseen.weights().biases) << engine;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SameBitsTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.to_string(); });

}  // namespace
}  // namespace hourglass
