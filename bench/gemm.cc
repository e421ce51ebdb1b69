// The CPU engine's matrix product beside OpenBLAS's and oneDNN's, on one thread and on the shapes
// of the notebook's network: C [m x n] = A [m x k] B [k x n], rows of B and C padded as the
// engine's. bench/results/gemm.md has the figures and the command.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/gemm.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include "cpu/matmul-inl.h"
#include "hourglass/core/ptr.h"

HWY_BEFORE_NAMESPACE();
namespace hourglass::cpu {
namespace HWY_NAMESPACE {

void product(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b,
             float* c) {
  // As the engine does: 64 columns at a time, whose part of B stays in the cache.
  constexpr std::int64_t kBlock = 64;
  for (std::int64_t j = 0; j < n; j += kBlock) {
    matmul<false>(m, std::min(kBlock, n - j), k, Operand{a, k, 1}, b + j, padded(n), c + j,
                  padded(n));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <benchmark/benchmark.h>
#include <cblas.h>
#include <dnnl.h>

#include <random>
#include <vector>

namespace hourglass::cpu {

HWY_EXPORT(product);

namespace {

std::vector<float> random_floats(std::int64_t n) {
  std::mt19937 random(42);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = uniform(random);
  return values;
}

/// Times run(m, n, k, a, b, c); reports GFLOP/s.
template <class Run>
void time_product(benchmark::State& state, const Run& run) {
  const std::int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const std::vector<float> a = random_floats(m * k), b = random_floats(k * padded(n));
  std::vector<float> c(static_cast<std::size_t>(m * padded(n)));
  for (auto _ : state) {
    run(m, n, k, a.data(), b.data(), c.data());
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(m * n * k),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void ours(benchmark::State& state) {
  time_product(state, [](auto m, auto n, auto k, const float* a, const float* b, float* c) {
    HWY_DYNAMIC_DISPATCH(product)(m, n, k, a, b, c);
  });
}

void openblas(benchmark::State& state) {
  time_product(state, [](auto m, auto n, auto k, const float* a, const float* b, float* c) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(m), static_cast<int>(n),
                static_cast<int>(k), 1, a, static_cast<int>(k), b, static_cast<int>(padded(n)), 0,
                c, static_cast<int>(padded(n)));
  });
}

void onednn(benchmark::State& state) {
  time_product(state, [](auto m, auto n, auto k, const float* a, const float* b, float* c) {
    dnnl_sgemm('N', 'N', m, n, k, 1, a, k, b, padded(n), 0, c, padded(n));
  });
}

/// {m, n, k}: middle layers forward; the widest gradient; a dense input layer; all outputs of one
/// batch, of the notebook's matrix and of 20,000 columns; the Gram of one.
void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({128, 64, 64})
      ->Args({128, 64, 128})
      ->Args({128, 128, 64})
      ->Args({128, 128, 500})
      ->Args({128, 500, 128})
      ->Args({128, 20000, 128})
      ->Args({128, 128, 20000})
      ->Args({20000, 128, 128});
}

BENCHMARK(ours)->Apply(shapes);
BENCHMARK(openblas)->Apply(shapes);
BENCHMARK(onednn)->Apply(shapes);

}  // namespace
}  // namespace hourglass::cpu

BENCHMARK_MAIN();
#endif  // HWY_ONCE
