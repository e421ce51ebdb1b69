// Times the CUDA engine's operations and whole steps on the card that is here, and prints JSON:
//   gpu_steps CASES.json [--tiny]
// First a line of the card and its measured rates of copies and products; then, as soon as it is
// measured, a line a case: every operation alone (cold cache, by events, medians), and steps in a
// row (as the trainer makes them: one CUDA graph each) with their share of the epoch's
// transposition. --tiny: the file's sizes for the emulator, which show that it runs and no speed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/timed_backend.h"
#include "cuda/gemm.h"
#include "hourglass/core/philox.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/train/trainer.h"

namespace hourglass::bench {
namespace {

/// One of bench/gpu_cases.json.
struct Case {
  explicit Case(const nlohmann::json& json)
      : name(json.at("case")),
        n_rows(json.at("rows")),
        n_columns(json.at("columns")),
        density(json.at("density")),
        longest_row(json.value("longest_row", std::int64_t{0})),
        batch(json.at("batch")),
        objective(json.at("objective") == "all" ? Objective::kAllCells : Objective::kRatedCells),
        path(json.at("path") == "direct" ? OutputPath::kDirect : OutputPath::kGram) {}

  std::string name;
  std::int64_t n_rows, n_columns;
  double density;
  std::int64_t longest_row;  ///< ratings; 0: all rows have about as many
  std::int32_t batch;
  Objective objective;
  OutputPath path;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// How many ratings row r should have: longest / (r + 1)^s, s such that all have the case's
/// density. What takes as long as the longest row of a batch would look better than it is on equal
/// rows.
std::vector<double> row_lengths(const Case& c) {
  const double all = c.density * static_cast<double>(c.n_columns);
  std::vector<double> lengths(static_cast<std::size_t>(c.n_rows), all);
  if (c.longest_row == 0) return lengths;
  const auto set = [&](double s) {
    for (std::size_t r = 0; r < lengths.size(); ++r) {
      lengths[r] = static_cast<double>(c.longest_row) * std::pow(static_cast<double>(r + 1), -s);
    }
    return std::accumulate(lengths.begin(), lengths.end(), 0.0);
  };
  double low = 0, high = 4;
  for (int i = 0; i < 40; ++i) {
    const double s = (low + high) / 2;
    (set(s) > all * static_cast<double>(c.n_rows) ? low : high) = s;
  }
  return lengths;
}

CsrMatrix random_ratings(const Case& c) {
  CsrMatrix ratings;
  ratings.n_rows = c.n_rows;
  ratings.n_columns = c.n_columns;
  const std::vector<double> lengths = row_lengths(c);
  for (std::int64_t r = 0; r < c.n_rows; ++r) {
    // Gaps between ratings, geometric: as many numbers as ratings, not as cells.
    const double density = lengths[static_cast<std::size_t>(r)] / static_cast<double>(c.n_columns);
    const double log_miss = std::log1p(-std::min(density, 0.999999));
    std::int64_t column = -1;
    for (std::uint32_t draw = 0;; ++draw) {
      const auto words =
          philox(7, RandomPurpose::kSyntheticZero, draw, static_cast<std::uint32_t>(r), 0);
      const double u = (static_cast<double>(words[0]) + 0.5) * 0x1p-32;
      column += 1 + static_cast<std::int64_t>(std::log(u) / log_miss);
      if (column >= c.n_columns) break;
      ratings.columns.push_back(static_cast<std::int32_t>(column));
      ratings.values.push_back(static_cast<float>(1 + words[1] % 5));
    }
    ratings.row_offsets.push_back(std::ssize(ratings.columns));
  }
  return ratings;
}

class Network {
 public:
  Network(Backend& backend, const Case& c, const CsrMatrix& ratings)
      : backend_(&backend),
        batches_(backend, ratings, c.batch),
        loss_(backend, 2),
        order_(static_cast<std::size_t>(ratings.n_rows)),
        network_(backend, {.shape = {.n_columns = c.n_columns},
                           .objective = c.objective,
                           .adam = {},
                           .max_batch = c.batch,
                           .max_batch_entries = batches_.most_ratings(),
                           .output_path = c.path}) {
    network_.load(initial_model({.n_columns = c.n_columns}, 42));
    std::iota(order_.begin(), order_.end(), 0);
    start();
  }
  void start() {
    std::shuffle(order_.begin(), order_.end(), random_);
    batches_.start(order_);
    next_ = 0;
  }
  void steps(std::int64_t n) {
    for (std::int64_t s = 0; s < n; ++s) {
      if (next_ == batches_.size()) start();
      network_.step(batches_, next_++, loss_.ptr(), loss_.ptr() + 1);
    }
  }
  std::int64_t steps_of_epoch() const { return batches_.size(); }
  /// Goes over the epoch's batches again where fewer than n are left.
  void rewind_unless_left(std::int64_t n) {
    if (batches_.size() - next_ < n) next_ = 0;
  }
  double loss() const { return loss_.download()[0]; }

 private:
  Backend* backend_;
  EpochBatches batches_;
  Buffer<double> loss_;
  std::vector<std::int32_t> order_;
  std::mt19937_64 random_;
  Autoencoder network_;
  std::int64_t next_ = 0;
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

nlohmann::json measure(const Case& c, bool tiny) {
  constexpr std::int64_t kTimed = 24;  // steps whose operations are timed one by one
  const CsrMatrix ratings = random_ratings(c);
  nlohmann::json result = {{"case", c.name}};
  std::int64_t epoch = 0;
  double transposition = 0;
  {
    cuda::CudaBackend backend;
    TimedBackend timed(backend, tiny ? 0 : std::size_t{256} << 20);
    Network network(timed, c, ratings);
    epoch = network.steps_of_epoch();
    result["ratings_per_batch"] =
        static_cast<double>(ratings.n_entries()) / static_cast<double>(epoch);
    // Rows of the input layer have by then missed what they miss in the long run.
    timed.pause();
    network.steps(std::min<std::int64_t>(2 * epoch, 1000));
    timed.go_on();
    network.steps(kTimed);
    for (int i = 0; i < 3; ++i) network.start();
    for (const auto& [name, times] : timed.times()) {
      double per_step = static_cast<double>(times.size()) / kTimed;
      if (name == "TransposeBatches") {
        per_step = 1 / static_cast<double>(epoch);
        transposition = median(times) * per_step;
      }
      result["operations"][name] = {{"us", median(times)}, {"per_step", per_step}};
    }
    if (!std::isfinite(network.loss())) throw std::runtime_error(c.name + ": diverged");
  }
  for (const bool graphs : {true, false}) {
    ::setenv("HOURGLASS_CUDA_GRAPHS", graphs ? "1" : "0", 1);
    cuda::CudaBackend backend;
    Network network(backend, c, ratings);
    const std::int64_t n_steps = std::min<std::int64_t>(epoch, tiny ? 2 : 100);
    network.steps(epoch > 1000 ? 1000 : epoch);
    const double us = device_us(backend, 9, [&] {
      network.rewind_unless_left(n_steps);  // no transposition in these
      network.steps(n_steps);
    });
    result[graphs ? "step_us" : "step_us_without_graphs"] =
        us / static_cast<double>(n_steps) + transposition;
  }
  return result;
}

void print(const nlohmann::json& line) {
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  using namespace hourglass;
  using namespace hourglass::bench;
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments.size() > 2) {
      throw std::runtime_error("usage: gpu_steps CASES.json [--tiny]");
    }
    const bool tiny = arguments.back() == "--tiny";
    std::ifstream file(arguments[0]);
    const auto cases = nlohmann::json::parse(file);
    {
      cuda::CudaBackend backend;
      print({{"device", backend.description()}, {"ceilings", ceilings(backend, tiny)}});
    }
    for (const nlohmann::json& json : cases.at(tiny ? "tiny" : "cases")) {
      print(measure(Case(json), tiny));
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "gpu_steps: {}\n", error.what());
    return 1;
  }
  return 0;
}
