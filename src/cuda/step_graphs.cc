#include "cuda/step_graphs.h"

#include <cstdlib>
#include <string_view>

namespace hourglass::cuda {

StepGraphs::StepGraphs(cudaStream_t stream) : stream_(stream) {
  const char* wish = std::getenv("HOURGLASS_CUDA_GRAPHS");
  enabled_ = wish == nullptr || std::string_view(wish) != "0";
}

void StepGraphs::begin() {
  if (!enabled_ || !warm_) return;
  // Relaxed: a kernel that runs for the first time may still be loaded.
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed));
  capturing_ = true;
}

void StepGraphs::end() {
  warm_ = true;
  if (!capturing_) return;
  capturing_ = false;
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(stream_, &captured));
  const Graph graph(captured);
  std::size_t n_nodes = 0;
  check(cudaGraphGetNodes(captured, nullptr, &n_nodes));
  if (n_nodes == 0) return;
  GraphExec& exec = graphs_[n_nodes];
  if (exec != nullptr) {
    cudaGraphExecUpdateResultInfo why = {};
    if (cudaGraphExecUpdate(exec.get(), captured, &why) != cudaSuccess) {
      cudaGetLastError();  // other kernels than the last of as many nodes: no fault
      exec.reset();
    }
  }
  if (exec == nullptr) {
    cudaGraphExec_t fresh = nullptr;
    check(cudaGraphInstantiate(&fresh, captured, 0));
    exec.reset(fresh);
  }
  check(cudaGraphLaunch(exec.get(), stream_));
}

}  // namespace hourglass::cuda
