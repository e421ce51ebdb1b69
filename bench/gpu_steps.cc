// Times the CUDA engine's operations and whole steps on the card that is here, and prints JSON:
//   gpu_steps [--tiny]
// For each case, every operation alone (cold cache, by events, medians) and steps in a row (as the
// trainer makes them: one CUDA graph each), beside the card's measured rates of copies and products.
// --tiny: sizes for the emulator, which shows that it runs and no speed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "bench/timed_backend.h"
#include "cuda/gemm.h"
#include "hourglass/core/philox.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/train/trainer.h"

namespace hourglass::bench {
namespace {

struct Case {
  std::string name;  ///< as bench/gpu_floor has it
  std::int64_t n_columns;
  double density;
  std::int32_t batch;
  Objective objective;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Batches enough to see different ones, of rows whose ratings are spread evenly.
CsrMatrix random_ratings(const Case& c, std::int64_t n_rows) {
  CsrMatrix ratings;
  ratings.n_rows = n_rows;
  ratings.n_columns = c.n_columns;
  // Gaps between ratings, geometric: as many numbers as ratings, not as cells.
  const double log_miss = std::log1p(-std::min(c.density, 0.999999));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    std::int64_t column = -1;
    for (std::uint32_t draw = 0;; ++draw) {
      const auto words = philox(7, RandomPurpose::kSyntheticZero, draw,
                                static_cast<std::uint32_t>(r), 0);
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
        network_(backend, {.shape = {.n_columns = c.n_columns},
                           .objective = c.objective,
                           .adam = {},
                           .max_batch = c.batch,
                           .max_batch_entries = batches_.most_ratings(),
                           .density = c.density}) {
    network_.load(initial_model({.n_columns = c.n_columns}, 42));
    std::vector<std::int32_t> order(static_cast<std::size_t>(ratings.n_rows));
    std::iota(order.begin(), order.end(), 0);
    batches_.start(order);
  }
  void steps(int n) {
    for (int s = 0; s < n; ++s) {
      network_.step(batches_, next_, loss_.ptr(), loss_.ptr() + 1);
      next_ = (next_ + 1) % batches_.size();
    }
  }
  double loss() const { return loss_.download()[0]; }

 private:
  Backend* backend_;
  EpochBatches batches_;
  Buffer<double> loss_;
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

/// The two ceilings: GB/s of a large copy, read and written bytes counted; TFLOP/s of a large product.
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
    values[i] = uniform(philox(1, RandomPurpose::kSyntheticValue, 0,
                               static_cast<std::uint32_t>(i), 0)[0]) - 0.5F;
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

nlohmann::json measure(const Case& c, std::size_t flush_bytes, int n_steps) {
  const CsrMatrix ratings = random_ratings(c, std::int64_t{8} * c.batch);
  nlohmann::json result = {{"case", c.name},
                           {"columns", c.n_columns},
                           {"batch", c.batch},
                           {"ratings_per_batch", ratings.n_entries() / 8}};
  {
    cuda::CudaBackend backend;
    TimedBackend timed(backend, flush_bytes);
    Network network(timed, c, ratings);
    network.steps(9);  // a whole epoch, and the first of the next
    const std::vector<double> transpose = timed.times().at("TransposeBatches");
    timed.clear();
    network.steps(16);
    for (const auto& [name, times] : timed.times()) {
      const double per_step = static_cast<double>(times.size()) / 16;
      result["operations"][name] = {{"us", median(times)}, {"per_step", per_step}};
    }
    result["operations"]["TransposeBatches"] = {{"us", median(transpose)}, {"per_step", 1.0 / 8}};
    if (!std::isfinite(network.loss())) throw std::runtime_error(c.name + ": diverged");
  }
  for (const bool graphs : {true, false}) {
    ::setenv("HOURGLASS_CUDA_GRAPHS", graphs ? "1" : "0", 1);
    cuda::CudaBackend backend;
    Network network(backend, c, ratings);
    const double us = device_us(backend, 9, [&] { network.steps(n_steps); });
    result[graphs ? "step_us" : "step_us_without_graphs"] = us / n_steps;
  }
  return result;
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  using namespace hourglass;
  using namespace hourglass::bench;
  const bool tiny = argc > 1 && std::strcmp(argv[1], "--tiny") == 0;
  const std::vector<Case> cases =
      tiny ? std::vector<Case>{{"tiny", 60, 0.3, 8, Objective::kAllCells},
                               {"tiny, rated cells", 60, 0.3, 8, Objective::kRatedCells}}
           : std::vector<Case>{
                 {"test matrix", 500, 0.62, 128, Objective::kAllCells},
                 {"goodbooks", 53424, 0.01119, 128, Objective::kAllCells},
                 {"goodbooks, batch 1024", 53424, 0.01119, 1024, Objective::kAllCells},
                 {"goodbooks, rated cells", 53424, 0.01119, 128, Objective::kRatedCells},
                 {"500,000 x 200,000", 200000, 0.0002, 128, Objective::kAllCells},
                 {"500,000 x 200,000, batch 1024", 200000, 0.0002, 1024, Objective::kAllCells}};
  try {
    nlohmann::json result;
    {
      cuda::CudaBackend backend;
      result["device"] = backend.description();
      result["ceilings"] = ceilings(backend, tiny);
    }
    for (const Case& c : cases) {
      result["cases"].push_back(measure(c, tiny ? 0 : std::size_t{256} << 20, tiny ? 2 : 100));
    }
    fmt::print("{}\n", result.dump(1));
  } catch (const std::exception& error) {
    fmt::print(stderr, "gpu_steps: {}\n", error.what());
    return 1;
  }
  return 0;
}
