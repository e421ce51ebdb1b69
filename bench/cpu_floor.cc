// What this machine can do, for the floor of a step on the CPU (bench/cpu_floor.py): prints JSON.
//   fma_gflop_per_s   multiply-adds in registers alone, single precision
//   gemm_gflop_per_s  a product of packed panels that stay in the second-level cache
//   update_gb_per_s   bytes read and written by a pass over three arrays in place, as Adam's over
//                     w, m and v, by the MiB that the arrays of all threads take together
// each with one thread and with all. The best of some repeats: neighbours only ever slow it down.
// --quick: not long enough for figures, but for a test.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/cpu_floor.cc"
#include <hwy/foreach_target.h>  // compiles this file once a target
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace hourglass::bench {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

// A tile is kRows x kVectors vectors of sums: with what they are made from, 29 of AVX-512's 32
// registers, 15 of AVX2's 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr int kRows = 13;
#else
inline constexpr int kRows = 6;
#endif
inline constexpr int kVectors = 2;
inline constexpr std::int64_t kInner = 256, kRowPanels = 12, kColumnPanels = 8;

std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Tag())); }
std::int64_t a_floats() { return kRowPanels * kRows * kInner; }
std::int64_t b_floats() { return kColumnPanels * kVectors * lanes() * kInner; }
std::int64_t c_floats() { return kRowPanels * kRows * kColumnPanels * kVectors * lanes(); }

HWY_INLINE void tile(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                     float* HWY_RESTRICT c) {
  const Tag d;
  const std::int64_t width = lanes();
  Vec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < kInner; ++k, a += kRows, b += kVectors * width) {
    const Vec b0 = hn::Load(d, b), b1 = hn::Load(d, b + width);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec a_i = hn::Set(d, a[i]);
      sum[i][0] = hn::MulAdd(a_i, b0, sum[i][0]);
      sum[i][1] = hn::MulAdd(a_i, b1, sum[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      hn::Store(sum[i][j], d, c + (i * kVectors + j) * width);
    }
  }
}

/// C = A B, all in panels. Returns its floating-point operations.
double product(const float* a, const float* b, float* c) {
  const std::int64_t tile_floats = kRows * kVectors * lanes();
  for (std::int64_t j = 0; j < kColumnPanels; ++j) {
    for (std::int64_t i = 0; i < kRowPanels; ++i, c += tile_floats) {
      tile(a + i * kRows * kInner, b + j * kVectors * lanes() * kInner, c);
    }
  }
  return 2 * static_cast<double>(c_floats()) * static_cast<double>(kInner);
}

/// Multiply-adds of registers. Returns their operations.
double multiply_add(float* sums) {
  const Tag d;
  constexpr std::int64_t kTimes = 100000;
  constexpr int kChains = 12;  // covers a latency of 4 to 6 with two units; fits 16 registers
  Vec sum[kChains];
  const Vec factor = hn::Set(d, 0.5F), summand = hn::Set(d, 0.25F);
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sum[i] = hn::Set(d, static_cast<float>(i));
  for (std::int64_t t = 0; t < kTimes; ++t) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = hn::MulAdd(sum[i], factor, summand);
  }
  Vec all = hn::Zero(d);
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) all = hn::Add(all, sum[i]);
  hn::StoreU(all, d, sums);
  return 2 * static_cast<double>(kTimes * kChains * lanes());
}

/// Three arrays of n floats, a multiple of 64, in place. Returns the bytes moved.
double update(float* HWY_RESTRICT w, float* HWY_RESTRICT m, float* HWY_RESTRICT v, std::int64_t n) {
  const Tag d;
  const Vec half = hn::Set(d, 0.5F);  // values stay about 1: none becomes a denormal
  const std::int64_t width = lanes();
  for (std::int64_t i = 0; i < n; i += width) {
    const Vec m_i = hn::MulAdd(hn::Load(d, m + i), half, half);
    const Vec v_i = hn::MulAdd(hn::Load(d, v + i), half, half);
    const Vec w_i = hn::MulAdd(hn::Load(d, w + i), half, hn::Mul(m_i, hn::Mul(v_i, half)));
    hn::Store(m_i, d, m + i);
    hn::Store(v_i, d, v + i);
    hn::Store(w_i, d, w + i);
  }
  return 24 * static_cast<double>(n);
}

}  // namespace HWY_NAMESPACE
}  // namespace hourglass::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>
#include <hwy/aligned_allocator.h>
#include <hwy/targets.h>
#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace hourglass::bench {

HWY_EXPORT(a_floats);
HWY_EXPORT(b_floats);
HWY_EXPORT(c_floats);
HWY_EXPORT(product);
HWY_EXPORT(multiply_add);
HWY_EXPORT(update);

namespace {

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

struct Floats {
  explicit Floats(std::int64_t n)
      : size(static_cast<std::size_t>(n)), data(hwy::AllocateAligned<float>(size)) {
    constexpr std::size_t kPage = std::size_t{1} << 21;
    const auto begin = (reinterpret_cast<std::uintptr_t>(data.get()) + kPage - 1) / kPage * kPage;
    const auto end = reinterpret_cast<std::uintptr_t>(data.get() + size) / kPage * kPage;
    if (begin < end) {
      // Refused: it is measured with small pages, as others then have it.
      static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
    }
    std::fill_n(data.get(), size, 1.0F);
  }
  float* get() const { return data.get(); }

  std::size_t size;
  hwy::AlignedFreeUniquePtr<float[]> data;
};

int repeats = 12;
double least_seconds = 0.04;  // of a repeat

/// The best rate of all threads together: work(), which says how much it did, again and again;
/// make_work(), called in each thread, makes it.
template <class MakeWork>
double rate(int n_threads, const MakeWork& make_work) {
  std::vector<double> done(static_cast<std::size_t>(n_threads)), took = done;
  std::vector<double> rates;
  std::barrier together(n_threads, [] {});
  const auto run = [&](int thread) {
    auto work = make_work();
    work();
    for (int repeat = 0; repeat < repeats; ++repeat) {
      together.arrive_and_wait();
      const auto began = std::chrono::steady_clock::now();
      double amount = 0, seconds = 0;
      while (seconds < least_seconds) {
        amount += work();
        seconds = seconds_since(began);
      }
      done[static_cast<std::size_t>(thread)] = amount;
      took[static_cast<std::size_t>(thread)] = seconds;
      together.arrive_and_wait();
      if (thread == 0) {
        double all = 0;
        for (std::size_t t = 0; t < done.size(); ++t) all += done[t] / took[t];
        rates.push_back(all);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < n_threads; ++t) threads.emplace_back(run, t);
  run(0);
  for (std::thread& thread : threads) thread.join();
  return *std::max_element(rates.begin(), rates.end());
}

double gemm_rate(int n_threads) {
  return rate(n_threads, [] {
    auto a = std::make_shared<Floats>(HWY_DYNAMIC_DISPATCH(a_floats)());
    auto b = std::make_shared<Floats>(HWY_DYNAMIC_DISPATCH(b_floats)());
    auto c = std::make_shared<Floats>(HWY_DYNAMIC_DISPATCH(c_floats)());
    return [=] { return HWY_DYNAMIC_DISPATCH(product)(a->get(), b->get(), c->get()); };
  });
}

double fma_rate(int n_threads) {
  return rate(n_threads, [] {
    auto sums = std::make_shared<Floats>(64);
    return [=] { return HWY_DYNAMIC_DISPATCH(multiply_add)(sums->get()); };
  });
}

double update_rate(int n_threads, std::int64_t mib) {
  const std::int64_t n = (mib << 20) / 12 / n_threads / 64 * 64;
  return rate(n_threads, [=] {
    auto w = std::make_shared<Floats>(n), m = std::make_shared<Floats>(n),
         v = std::make_shared<Floats>(n);
    return [=] { return HWY_DYNAMIC_DISPATCH(update)(w->get(), m->get(), v->get(), n); };
  });
}

nlohmann::json measure(int n_threads) {
  nlohmann::json result = {{"threads", n_threads},
                           {"fma_gflop_per_s", 1e-9 * fma_rate(n_threads)},
                           {"gemm_gflop_per_s", 1e-9 * gemm_rate(n_threads)}};
  for (const std::int64_t mib : {2, 8, 16, 32, 64, 128, 512}) {
    if (repeats == 1 && mib > 8) break;
    result["update_gb_per_s"].push_back({mib, 1e-9 * update_rate(n_threads, mib)});
  }
  return result;
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  using hourglass::bench::measure;
  if (argc > 1 && std::string(argv[1]) == "--quick") {
    hourglass::bench::repeats = 1;
    hourglass::bench::least_seconds = 1e-3;
  }
  const int cores = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  const std::int64_t best = hwy::SupportedTargets() & -hwy::SupportedTargets();
  nlohmann::json result = {{"simd", hwy::TargetName(best)}, {"one", measure(1)}};
  result["all"] = cores > 1 ? measure(cores) : result["one"];
  fmt::print("{}\n", result.dump(1));
}
#endif  // HWY_ONCE
