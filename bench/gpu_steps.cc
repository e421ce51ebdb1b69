// Times the CUDA engine's operations and whole steps on the card that is here, and prints JSON:
//   gpu_steps CASES.json [--tiny]      measures
//   gpu_steps CASES.json --matrices    only tells what the cases' matrices are like; needs no card
//   gpu_steps --device                 only tells of the card
// First a line of the card and its measured rates of copies and products; then, as soon as it is
// measured, a line a case: every operation alone (cold cache, by events), and whole epochs' steps
// as the trainer makes them, one CUDA graph each, the epoch's transposition included.
// --tiny: the file's sizes for the emulator, which show that it runs and no speed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/gpu_cases.h"
#include "bench/step_sizes.h"
#include "bench/timed_backend.h"
#include "cuda/gemm.h"
#include "hourglass/core/error.h"
#include "hourglass/core/philox.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/train/trainer.h"

namespace hourglass::bench {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A training of the case, its epochs begun and its steps made as the trainer does.
class Network {
 public:
  Network(Backend& backend, const Case& c, const CsrMatrix& ratings, const Model& model)
      : batches_(backend, ratings, c.batch),
        loss_(backend, 2),
        n_rows_(ratings.n_rows),
        network_(backend, {.shape = {.n_columns = c.n_columns},
                           .objective = c.objective,
                           .adam = {},
                           .max_batch = c.batch,
                           .max_batch_entries = batches_.most_ratings(),
                           .output_path = c.path}),
        next_(batches_.size()) {
    network_.load(model);
  }
  void start_epoch() {
    const auto began = std::chrono::steady_clock::now();
    order_ = shuffled_rows(n_rows_, 42, ++epoch_);
    order_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    batches_.start(order_);
    next_ = 0;
  }
  void steps(std::int64_t n) {
    for (std::int64_t s = 0; s < n; ++s) {
      if (next_ == batches_.size()) start_epoch();
      network_.step(batches_, next_++, loss_.ptr(), loss_.ptr() + 1);
    }
  }
  std::int64_t steps_of_epoch() const { return batches_.size(); }
  std::span<const std::int32_t> order() const { return order_; }
  /// Microseconds that the host takes to shuffle an epoch's rows.
  double order_us() const { return 1e6 * order_seconds_ / static_cast<double>(epoch_); }
  double loss() const { return loss_.download()[0]; }

 private:
  EpochBatches batches_;
  Buffer<double> loss_;
  std::int64_t n_rows_;
  std::vector<std::int32_t> order_;
  double order_seconds_ = 0;
  Autoencoder network_;
  std::int64_t epoch_ = 0, next_;
};

/// Microseconds that `body` takes the device, of `repeats` times.
template <class Body>
double device_us(cuda::CudaBackend& backend, int repeats, const Body& body) {
  cudaEvent_t begin = nullptr, end = nullptr;
  cuda::check(cudaEventCreate(&begin));
  cuda::check(cudaEventCreate(&end));
  std::vector<double> times;
  body();
  for (int i = 0; i < repeats; ++i) {
    cuda::check(cudaEventRecord(begin, backend.stream()));
    body();
    cuda::check(cudaEventRecord(end, backend.stream()));
    cuda::check(cudaEventSynchronize(end));
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin, end));
    times.push_back(1e3 * static_cast<double>(milliseconds));
  }
  cuda::check(cudaEventDestroy(begin));
  cuda::check(cudaEventDestroy(end));
  return median(times);
}

/// The two ceilings: GB/s of a large copy, read and written bytes counted; TFLOP/s of a large
/// product.
nlohmann::json ceilings(cuda::CudaBackend& backend, bool tiny) {
  const std::int64_t bytes = std::int64_t{1} << (tiny ? 16 : 30);
  const Buffer<char> from(backend, bytes);
  Buffer<char> to(backend, bytes);
  const double copy = device_us(backend, 7, [&] {
    cuda::check(cudaMemcpyAsync(to.ptr().raw(), from.ptr().raw(), static_cast<std::size_t>(bytes),
                                cudaMemcpyDeviceToDevice, backend.stream()));
  });
  nlohmann::json result = {{"copy_gb_per_s", 2e-3 * static_cast<double>(bytes) / copy}};
  const std::int64_t n = tiny ? 32 : 8192;
  std::vector<float> values(static_cast<std::size_t>(n * n));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        uniform(philox(1, RandomPurpose::kSyntheticValue, 0, static_cast<std::uint32_t>(i), 0)[0]) -
        0.5F;
  }
  const Buffer<float> a(backend, std::span<const float>(values));
  Buffer<float> out(backend, n * n);
  cuda::Gemm gemm(backend.stream());
  for (const auto& [name, math] : {std::pair("fp32", Math::kFp32), std::pair("tf32", Math::kTf32),
                                   std::pair("bf16", Math::kBf16)}) {
    gemm.set_math(math);
    const double us = device_us(backend, 5, [&] {
      gemm.run(n, n, n, 1, {{a.ptr(), n}}, {{a.ptr(), n}}, false, {out.ptr(), n});
    });
    result[fmt::format("gemm_{}_tflop_per_s", name)] =
        2e-6 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) / us;
  }
  return result;
}

/// What the matrix is like: for the floor of a step (bench/gpu_floor.py), and to be looked at.
nlohmann::json describe(const Case& c, const CsrMatrix& ratings) {
  std::int64_t longest = 0;
  for (std::int64_t r = 0; r < ratings.n_rows; ++r) {
    longest = std::max(longest, ratings.row_length(r));
  }
  const std::vector<std::int32_t> order = shuffled_rows(ratings.n_rows, 42, 1);
  const std::int64_t n_batches = (ratings.n_rows - 1) / c.batch + 1;
  const double density = ratings.density();
  const OutputPath by_auto = cheaper_output_path(density, c.n_columns, c.batch,
                                                 NetworkShape{.n_columns = c.n_columns}.hidden[0]);
  return {{"case", c.name},
          {"ratings", ratings.n_entries()},
          {"longest_row", longest},
          {"steps_of_epoch", n_batches},
          {"auto_path", by_auto == OutputPath::kDirect ? "direct" : "gram"},
          {"epoch", to_json(step_sizes(ratings, order, c.batch, n_batches))}};
}

/// Every operation alone, in the first steps of some epochs: the mean over them, since batches
/// differ, and what they had to do with.
void measure_operations(const Case& c, const CsrMatrix& ratings, const Model& model, bool tiny,
                        nlohmann::json& result) {
  const int n_epochs = tiny ? 2 : 5;
  cuda::CudaBackend backend;
  TimedBackend timed(backend, tiny ? 0 : std::size_t{256} << 20);
  Network network(timed, c, ratings, model);
  const std::int64_t of_epoch = network.steps_of_epoch();
  // Rows of the input layer have by then missed what they miss in the long run.
  timed.pause();
  network.steps(tiny ? 1 : std::max<std::int64_t>(of_epoch, 100));
  timed.go_on();
  const std::int64_t n_steps = std::min<std::int64_t>(of_epoch, tiny ? 3 : 8);
  StepSizes all;
  for (int i = 0; i < n_epochs; ++i) {
    network.start_epoch();
    network.steps(n_steps);
    const StepSizes sizes = step_sizes(ratings, network.order(), c.batch, n_steps);
    all.rows += sizes.rows / n_epochs;
    all.ratings += sizes.ratings / n_epochs;
    all.touched += sizes.touched / n_epochs;
    all.caught_up += sizes.caught_up / n_epochs;
  }
  result["timed"] = to_json(all);
  for (const auto& [name, times] : timed.times()) {
    const auto runs = static_cast<double>(times.size());
    const double per_step = name == "TransposeBatches"
                                ? 1 / static_cast<double>(of_epoch)
                                : runs / static_cast<double>(n_epochs * n_steps);
    result["operations"][name] = {{"us", std::accumulate(times.begin(), times.end(), 0.0) / runs},
                                  {"per_step", per_step}};
  }
  if (!std::isfinite(network.loss())) throw std::runtime_error("it diverged");
}

/// Whole epochs, from the shuffling of their rows to the last step.
void measure_steps(const Case& c, const CsrMatrix& ratings, const Model& model, bool tiny,
                   bool graphs, nlohmann::json& result) {
  ::setenv("HOURGLASS_CUDA_GRAPHS", graphs ? "1" : "0", 1);
  cuda::CudaBackend backend;
  Network network(backend, c, ratings, model);
  const std::int64_t of_epoch = network.steps_of_epoch();
  const std::int64_t n_steps = tiny ? of_epoch : of_epoch * ((99 + of_epoch) / of_epoch);
  const double us = device_us(backend, tiny ? 1 : graphs ? 5 : 3, [&] { network.steps(n_steps); });
  result[graphs ? "step_us" : "step_us_without_graphs"] = us / static_cast<double>(n_steps);
  result["order_us"] = network.order_us() / static_cast<double>(of_epoch);
  if (!std::isfinite(network.loss())) throw std::runtime_error("it diverged");
}

void print(const nlohmann::json& line) {
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

/// False where a case could not be measured: the others are.
bool measure(const nlohmann::json& list, bool tiny, bool matrices_only) {
  bool all = true;
  for (const nlohmann::json& json : list) {
    const Case c(json);
    try {
      const CsrMatrix ratings = make_ratings(c);
      nlohmann::json result = describe(c, ratings);
      if (!matrices_only) {
        const Model model = initial_model({.n_columns = c.n_columns}, 42);
        measure_operations(c, ratings, model, tiny, result);
        for (const bool graphs : {false, true}) {
          measure_steps(c, ratings, model, tiny, graphs, result);
        }
      }
      print(result);
    } catch (const std::exception& error) {
      fmt::print(stderr, "gpu_steps: {}: {}\n", c.name, error.what());
      all = false;
    }
  }
  return all;
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  using namespace hourglass;
  using namespace hourglass::bench;
  const std::set<std::string> arguments(argv + 1, argv + argc);
  const bool tiny = arguments.contains("--tiny");
  try {
    if (arguments.contains("--device")) {
      print({{"device", cuda::CudaBackend().description()}});
      return 0;
    }
    if (argc < 2)
      throw Error("usage: gpu_steps CASES.json [--tiny | --matrices], or gpu_steps --device");
    std::ifstream file(argv[1]);
    const auto cases = nlohmann::json::parse(file);
    const bool matrices_only = arguments.contains("--matrices");
    if (!matrices_only) {
      cuda::CudaBackend backend;
      print({{"device", backend.description()}, {"ceilings", ceilings(backend, tiny)}});
    }
    return measure(cases.at(tiny ? "tiny" : "cases"), tiny, matrices_only) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "gpu_steps: {}\n", error.what());
    return 1;
  }
}
