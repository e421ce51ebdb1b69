// The one place that names the backends under test. A new one is a line here, and no change in any
// test. CUDA's, on the emulator or on a card as it is linked, goes by HOURGLASS_CUDA_UNDER_TEST.
#include "ops/backends_under_test.h"

#include "cpu/backend.h"
#ifdef HOURGLASS_CUDA_UNDER_TEST
#include "cuda/backend.h"
#endif
#include "reference/backend.h"

namespace hourglass::ops_test {
namespace {

std::unique_ptr<Backend> open_reference() {
  return std::make_unique<reference::ReferenceBackend>();
}

template <int kThreads>
std::unique_ptr<Backend> open_cpu() {
  return std::make_unique<cpu::CpuBackend>(kThreads);
}

#ifdef HOURGLASS_CUDA_UNDER_TEST
std::unique_ptr<Backend> open_cuda() { return std::make_unique<cuda::CudaBackend>(); }
#endif

}  // namespace

const std::vector<BackendUnderTest>& backends_under_test() {
  static const std::vector<BackendUnderTest> backends = {
      {"reference", "reference", open_reference},
      {"cpu1", "cpu", open_cpu<1>},
      {"cpu2", "cpu", open_cpu<2>},
#ifdef HOURGLASS_CUDA_UNDER_TEST
      {HOURGLASS_CUDA_UNDER_TEST, HOURGLASS_CUDA_UNDER_TEST, open_cuda},
#endif
  };
  return backends;
}

std::vector<BackendUnderTest> twins(const BackendUnderTest& backend) {
  std::vector<BackendUnderTest> all = backends_under_test();
  all.push_back({"cpu8", "cpu", open_cpu<8>});
  std::erase_if(all, [&](const BackendUnderTest& other) { return other.bits != backend.bits; });
  return all;
}

}  // namespace hourglass::ops_test
