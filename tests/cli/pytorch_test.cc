// Anyone can repeat PyTorch's run from outside: the same ratings and weights in files, no
// shuffling.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "hourglass/model/model_file.h"
#include "hourglass/model/safetensors.h"
#include "support/temp_folder.h"
#include "support/torch_test.h"

namespace hourglass::test {
namespace {

class FromOutside : public TorchTest {
 protected:
  /// The losses of losses.csv.
  static std::vector<double> losses(const std::filesystem::path& csv) {
    std::istringstream lines(file_bytes(csv));
    std::vector<double> values;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) values.push_back(std::stod(line.substr(line.find(',') + 1)));
    return values;
  }
};

TEST_F(FromOutside, TrainInitNoShuffleRepeatsPyTorch) {
  for (const std::string name : {"all_sparse_k8", "observed_dense_one_hidden_decay",
                                 "observed_sparse_k64", "all_sparse_no_hidden", "sparse_code_observed_k8"}) {
    SCOPED_TRACE(name);
    const TempFolder folder;
    const std::string path = source() / "tests/golden" / (name + ".safetensors");
    const SafetensorsFile golden(path);
    const auto& meta = golden.metadata();
    // PyTorch's weights in its own plain file, the ratings in a wide one.
    const auto exported =
        run_python("tools/pytorch_run.py", {path, "--export", folder / "in", "--epochs", "1"});
    ASSERT_EQ(exported.status, 0) << exported.output;
    EXPECT_FALSE(SafetensorsFile(folder / "in" / "init.safetensors").has_checksum());
    const std::string hidden = meta.at("hidden");
    const bool sparse = meta.contains("sparsity_weight");
    for (const std::string device : {"cpu", "reference"}) {
      const Outcome train = hourglass({"train",
                                       folder / "in" / "ratings.csv",
                                       "--init",
                                       folder / "in" / "init.safetensors",
                                       "--no-shuffle",
                                       "--epochs",
                                       "20",
                                       "--patience",
                                       "20",
                                       "--batch-size",
                                       meta.at("batch_size"),
                                       "--hidden",
                                       hidden.empty() ? "none" : hidden,
                                       "--bottleneck",
                                       meta.at("bottleneck"),
                                       "--objective",
                                       meta.at("objective"),
                                       "--weight-decay",
                                       meta.at("weight_decay"),
                                       "--sparsity-weight",
                                       sparse ? meta.at("sparsity_weight") : "0",
                                       "--sparsity-target",
                                       sparse ? meta.at("sparsity_target") : "0.05",
                                       "--device",
                                       device,
                                       "--output",
                                       folder / device});
      ASSERT_EQ(train.code, 0) << train.err;
      const auto run = folder / device / ("k=" + meta.at("bottleneck"));
      const std::vector<double> want = golden.read_f64("epoch_losses.f64");
      const std::vector<double> got = losses(run / "losses.csv");
      ASSERT_EQ(got.size(), want.size());
      const double distance = golden.read_f64("distance.losses").back();
      for (std::size_t e = 0; e < want.size(); ++e) {
        EXPECT_FALSE(!(std::abs(got[e] - want[e]) <= 4 * distance * want[e])) << "epoch " << e + 1;
      }
      const std::vector<double> apart = golden.read_f64("distance.weights");
      const std::size_t n_tensors = apart.size() / 3;
      const SafetensorsFile model(run / "model.safetensors");
      const Model loaded = load_model(run / "model.safetensors");
      for (std::size_t t = 0; t < n_tensors; ++t) {
        const std::string tensor =
            loaded.shape.layers()[t / 2].name + (t % 2 == 0 ? ".weight" : ".bias");
        const std::vector<double> end = golden.read_f64("step100." + tensor);
        const std::vector<float> weights = model.read_f32(tensor);
        double squares = 0, differences = 0;
        for (std::size_t i = 0; i < end.size(); ++i) {
          squares += end[i] * end[i];
          differences += (weights[i] - end[i]) * (weights[i] - end[i]);
        }
        EXPECT_FALSE(!(std::sqrt(differences / squares) <= 4 * apart[2 * n_tensors + t])) << tensor;
      }
    }
  }
}

TEST_F(FromOutside, EveryMismatchOfTheWeightsIsNamed) {
  const TempFolder folder;
  const std::string path = source() / "tests/golden/all_sparse_k8.safetensors";
  const auto exported =
      run_python("tools/pytorch_run.py", {path, "--export", folder / "in", "--epochs", "1"});
  ASSERT_EQ(exported.status, 0) << exported.output;
  const Outcome train = hourglass({"train", folder / "in" / "ratings.csv", "--init",
                                   folder / "in" / "init.safetensors", "--hidden", "24,11",
                                   "--bottleneck", "8", "--output", folder / "out"});
  EXPECT_EQ(train.code, 1);
  for (const char* tensor : {"encoder.2.weight", "encoder.2.bias", "encoder.4.weight",
                             "decoder.0.weight", "decoder.0.bias", "decoder.2.weight"}) {
    EXPECT_NE(train.err.find(tensor), std::string::npos) << tensor << ": " << train.err;
  }
}

}  // namespace
}  // namespace hourglass::test
