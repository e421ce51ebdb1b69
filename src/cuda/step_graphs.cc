#include "cuda/step_graphs.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace hourglass::cuda {
namespace {

/// Kinds of one number of nodes that are kept: an epoch has full batches and a last one, for whose
/// shape cuBLAS may take other kernels. With one graph for both, each would be instantiated anew,
/// epoch after epoch.
constexpr std::size_t kMostKinds = 4;

/// Writes the captured arguments into the graph; false where that is of another kind, and as it
/// was.
bool update(const GraphExec& graph, const Graph& captured) {
  cudaGraphExecUpdateResultInfo why = {};
  const cudaError_t status = cudaGraphExecUpdate(graph.get(), captured.get(), &why);
  if (status == cudaErrorGraphExecUpdateFailure) {
    cudaGetLastError();  // no fault
    return false;
  }
  check(status);
  return true;
}

GraphExec instantiate(const Graph& captured) {
  cudaGraphExec_t graph = nullptr;
  check(cudaGraphInstantiate(&graph, captured.get(), 0));
  return GraphExec(graph);
}

}  // namespace

StepGraphs::StepGraphs(cudaStream_t stream) : stream_(stream) {
  const char* wish = std::getenv("HOURGLASS_CUDA_GRAPHS");
  enabled_ = wish == nullptr || std::string_view(wish) != "0";
}

void StepGraphs::begin() {
  if (!enabled_ || !warm_) return;
  // Relaxed: a kernel that runs for the first time may still be loaded.
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed));
  capturing_ = true;
  exceptions_ = std::uncaught_exceptions();
}

void StepGraphs::end() {
  warm_ = true;
  if (!capturing_) return;
  capturing_ = false;
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream_, &graph));
  const Graph captured(graph);
  if (std::uncaught_exceptions() > exceptions_) return;  // half a step: it is dropped
  std::size_t n_nodes = 0;
  check(cudaGraphGetNodes(captured.get(), nullptr, &n_nodes));
  if (n_nodes == 0) return;
  std::list<GraphExec>& kinds = graphs_[n_nodes];
  const auto same =
      std::ranges::find_if(kinds, [&](const GraphExec& kind) { return update(kind, captured); });
  if (same != kinds.end()) {
    kinds.splice(kinds.begin(), kinds, same);
  } else {
    kinds.push_front(instantiate(captured));
    if (kinds.size() > kMostKinds) kinds.pop_back();
  }
  check(cudaGraphLaunch(kinds.front().get(), stream_));
}

}  // namespace hourglass::cuda
