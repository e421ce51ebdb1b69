// The one place that names the backends under test. A new one is a line here (or another file in
// place of this one, where it cannot be linked everywhere), and no change in any test.
#include "ops/backends_under_test.h"

#include "cpu/backend.h"
#ifdef HOURGLASS_EMULATED_CUDA
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

#ifdef HOURGLASS_EMULATED_CUDA
std::unique_ptr<Backend> open_cuda() { return std::make_unique<cuda::CudaBackend>(); }
#endif

}  // namespace

const std::vector<BackendUnderTest>& backends_under_test() {
  static const std::vector<BackendUnderTest> backends = {
      {"reference", "reference", open_reference},
      {"cpu1", "cpu", open_cpu<1>},
      {"cpu2", "cpu", open_cpu<2>},
#ifdef HOURGLASS_EMULATED_CUDA
      {"emulated_cuda", "emulated_cuda", open_cuda},
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
