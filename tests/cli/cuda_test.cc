// The program with a CUDA module: the emulated engine's, and the real one on a machine without a
// card.
#include <cmath>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "cli/train_command.h"
#include "support/error_text.h"

namespace hourglass::test {
namespace {

/// Sets environment variables for its lifetime.
class Environment {
 public:
  using Values = std::map<std::string, std::string>;
  explicit Environment(Values values) : values_(std::move(values)) {
    for (const auto& [name, value] : values_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : values_) ::unsetenv(name.c_str());
  }

 private:
  Values values_;
};

std::vector<double> losses(const std::filesystem::path& file) {
  std::istringstream table(file_bytes(file));
  std::string line;
  std::getline(table, line);  // names
  std::vector<double> losses;
  while (std::getline(table, line)) {
    losses.push_back(std::stod(line.substr(line.find(',') + 1)));
  }
  return losses;
}

class CudaCommandTest : public TrainCommandTest {
 protected:
  std::filesystem::path losses_of(const std::string& run) const {
    return std::filesystem::path(path(run)) / "k=5" / "losses.csv";
  }
  /// Within what 20 steps make of sums in another order.
  void expect_same_losses(const std::string& a, const std::string& b) const {
    const std::vector<double> of_a = losses(losses_of(a)), of_b = losses(losses_of(b));
    ASSERT_EQ(of_a.size(), of_b.size());
    ASSERT_FALSE(of_a.empty());
    for (std::size_t e = 0; e < of_a.size(); ++e) {
      EXPECT_TRUE(std::abs(of_a[e] - of_b[e]) <= 1e-5 * of_b[e]) << of_a[e] << ", " << of_b[e];
    }
  }
};

TEST_F(CudaCommandTest, TrainsAsTheCpuDoes) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  for (const Words& objective : {Words{}, Words{"--objective", "observed"}}) {
    const std::string name = objective.empty() ? "all" : "observed";
    const Outcome cuda = hourglass(small(name + "-cuda", objective + Words{"--device", "cuda"}));
    ASSERT_EQ(cuda.code, 0) << cuda.err;
    EXPECT_TRUE(contains(cuda.err, "emulated, sm_90")) << cuda.err;
    EXPECT_EQ(run(name + "-cuda").at("device"), "cuda");
    EXPECT_EQ(run(name + "-cuda").at("math"), "fp32");
    ASSERT_EQ(hourglass(small(name + "-cpu", objective + Words{"--device", "cpu"})).code, 0);
    expect_same_losses(name + "-cuda", name + "-cpu");
  }
}

TEST_F(CudaCommandTest, AutoTakesTheCard) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  const Outcome train = hourglass(small("a", {"--epochs", "1"}));
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_EQ(run("a").at("device"), "cuda");
}

TEST_F(CudaCommandTest, TheSameBitsAgainAndAfterAResume) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  ASSERT_EQ(hourglass(small("whole", {"--device", "cuda"})).code, 0);
  ASSERT_EQ(
      hourglass(small("parts", {"--device", "cuda", "--epochs", "2", "--keep-checkpoint"})).code,
      0);
  const Outcome rest = hourglass(small("parts", {"--device", "cuda", "--resume"}));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(losses(losses_of("whole")), losses(losses_of("parts")));
}

TEST_F(CudaCommandTest, ACheckpointOfTheCardGoesOnOnTheCpuAndSaysSo) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  ASSERT_EQ(hourglass(small("a", {"--device", "cuda", "--epochs", "2", "--keep-checkpoint"})).code,
            0);
  const Outcome rest = hourglass(small("a", {"--device", "cpu", "--resume"}));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_TRUE(contains(rest.err, "was on cuda in fp32 and goes on on cpu in fp32")) << rest.err;
  ASSERT_EQ(hourglass(small("b", {"--device", "cpu"})).code, 0);
  expect_same_losses("a", "b");
}

TEST_F(CudaCommandTest, TooLittleMemoryIsSaidBeforeTheTraining) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE},
                          {"HOURGLASS_EMULATOR_MEMORY", "44000000"}});
  const Words large = {"--columns", "20000", "--rows", "40"};
  const Outcome cuda = hourglass(small("a", large + Words{"--device", "cuda"}));
  EXPECT_EQ(cuda.code, 1);
  EXPECT_TRUE(contains(cuda.err, "the GPU's memory does not suffice")) << cuda.err;
  EXPECT_TRUE(contains(cuda.err, "MiB are needed")) << cuda.err;
  EXPECT_FALSE(std::filesystem::exists(model("a")));
  const Outcome tf32 = hourglass(small("c", large + Words{"--math", "tf32"}));
  EXPECT_EQ(tf32.code, 1);
  EXPECT_TRUE(contains(tf32.err, "the GPU's memory does not suffice")) << tf32.err;
  const Outcome any = hourglass(small("b", large + Words{"--epochs", "1"}));
  EXPECT_EQ(any.code, 0) << any.err;
  EXPECT_TRUE(contains(any.err, "device: cpu, as the GPU's memory does not suffice")) << any.err;
  EXPECT_EQ(run("b").at("device"), "cpu");
}

TEST_F(CudaCommandTest, ADriverWithoutADeviceIsNone) {
  const Environment emulated(Environment::Values{
      {"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}, {"HOURGLASS_EMULATOR_DEVICES", "0"}});
  const Outcome any = hourglass(small("a", {"--epochs", "1"}));
  EXPECT_EQ(any.code, 0) << any.err;
  EXPECT_TRUE(contains(any.err, "device: cpu, as the NVIDIA driver knows of no device")) << any.err;
  const Outcome cuda = hourglass(small("b", {"--device", "cuda"}));
  EXPECT_EQ(cuda.code, 1);
  EXPECT_TRUE(contains(cuda.err, "the NVIDIA driver knows of no device")) << cuda.err;
}

TEST_F(CudaCommandTest, EvaluatesAndRecommendsAsTheCpuDoes) {
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  const std::string ratings = path("ratings.csv");
  ASSERT_EQ(hourglass({"generate", "--rows", "150", "--columns", "30", "--output", ratings}).code,
            0);
  ASSERT_EQ(hourglass({"train", ratings, "--output", path("a"), "--hidden", "16", "--bottleneck",
                       "5", "--epochs", "4", "--device", "cpu"})
                .code,
            0);
  const auto json = [&](const Words& command, const char* device) {
    const Outcome outcome = hourglass(command + Words{"--json", "--device", device});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  };
  for (const char* by : {"row", "column"}) {
    const Words evaluate = {"evaluate", path("a"), ratings, "--by", by, "--sample", "all"};
    const auto cuda = json(evaluate, "cuda").at("results"),
               cpu = json(evaluate, "cpu").at("results");
    ASSERT_EQ(cuda.size(), cpu.size());
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      for (const char* figure : {"rmse", "mae", "rmse_all_cells", "recall", "ndcg"}) {
        if (cpu[i].at(figure).is_null()) continue;  // popularity predicts no ratings
        const double want = cpu[i].at(figure);
        EXPECT_NEAR(cuda[i].at(figure).get<double>(), want, 1e-5 * want) << by << ", " << figure;
      }
    }
  }
  // Baselines know no math: the first result is the model's.
  const Words evaluate = {"evaluate", path("a"), ratings, "--sample", "all"};
  const auto fp32 = json(evaluate, "cuda").at("results");
  const auto bf16 = json(evaluate + Words{"--math", "bf16"}, "cuda").at("results");
  ASSERT_EQ(fp32.size(), 4U);
  EXPECT_NE(bf16[0], fp32[0]);
  for (std::size_t i = 1; i < fp32.size(); ++i) EXPECT_EQ(bf16[i], fp32[i]) << i;

  for (const Words& whose : {Words{"--top", "7"}, Words{"--column", "3", "--column", "29"}}) {
    const Words recommend = Words{"recommend", path("a"), ratings} + whose;
    const auto cuda = json(recommend, "cuda"), cpu = json(recommend, "cpu");
    ASSERT_EQ(cuda.size(), cpu.size());
    ASSERT_FALSE(cpu.empty());
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      EXPECT_EQ(cuda[i].at("row"), cpu[i].at("row")) << i;
      EXPECT_EQ(cuda[i].at("column"), cpu[i].at("column")) << i;
      EXPECT_NEAR(cuda[i].at("score").get<double>(), cpu[i].at("score").get<double>(), 1e-5) << i;
    }
  }
}

#ifdef HOURGLASS_REAL_MODULE
// The real module, on a machine that has no driver: CUDA's own runtime says so.
TEST_F(CudaCommandTest, WithoutADriverTheRealModuleSaysSo) {
  if (std::filesystem::exists("/dev/nvidiactl")) GTEST_SKIP() << "skipped: this machine has a card";
  const Environment real(Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_REAL_MODULE}});
  const Outcome any = hourglass(small("a", {"--epochs", "1"}));
  EXPECT_EQ(any.code, 0) << any.err;
  EXPECT_TRUE(contains(any.err, "device: cpu, as there is no NVIDIA driver, or it is older"))
      << any.err;
  EXPECT_EQ(run("a").at("device"), "cpu");
}
#endif

TEST_F(CudaCommandTest, OtherMathIsTheCards) {
  const Outcome cpu = hourglass(small("a", {"--device", "cpu", "--math", "tf32"}));
  EXPECT_EQ(cpu.code, 2);
  EXPECT_TRUE(contains(cpu.err, "the device cpu here has no --math tf32")) << cpu.err;
  const Environment emulated(
      Environment::Values{{"HOURGLASS_CUDA_MODULE", HOURGLASS_EMULATED_MODULE}});
  const auto losses_in = [&](const std::string& math) {
    const Words direct = {"--device", "cuda", "--output-path", "direct", "--math", math};
    EXPECT_EQ(hourglass(small(math, direct)).code, 0);
    EXPECT_EQ(run(math).at("math"), math);
    return losses(losses_of(math));
  };
  // A product's relative error is at most 2^-10 and 2^-7, a square's twice that.
  const std::vector<double> fp32 = losses_in("fp32");
  for (const auto& [math, error] : {std::pair("tf32", 0x1p-9), std::pair("bf16", 0x1p-6)}) {
    const std::vector<double> other = losses_in(math);
    EXPECT_NE(other, fp32) << math;
    ASSERT_EQ(other.size(), fp32.size());
    for (std::size_t e = 0; e < fp32.size(); ++e) {
      EXPECT_TRUE(std::abs(other[e] - fp32[e]) <= error * fp32[e]) << other[e] << ", " << fp32[e];
    }
  }
}

}  // namespace
}  // namespace hourglass::test
