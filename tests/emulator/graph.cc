#include "emulator/graph.h"

#include <cstring>
#include <utility>

#include "emulator/handle_table.h"
#include "emulator/runtime_call.h"

namespace emulator {
namespace {

/// What cudaGraphLaunch runs: a copy of its graph, which an update replaces. What was launched
/// before keeps the one that it was launched with.
struct ExecutableGraph {
  std::shared_ptr<const Graph> graph;
};

using Graphs = HandleTable<cudaGraph_t, Graph>;
using ExecutableGraphs = HandleTable<cudaGraphExec_t, ExecutableGraph>;

Graphs& graphs() {
  static auto* const table = new Graphs("graph", 0x3000000000);
  return *table;
}

ExecutableGraphs& executable_graphs() {
  static auto* const table = new ExecutableGraphs("executable graph", 0x4000000000);
  return *table;
}

/// CUDA lets an update change a node's parameters and not what the node is. A kernel may become
/// another one under conditions that it does not say in full: here it may not.
cudaGraphExecUpdateResult compare(const Graph& old, const Graph& updated) {
  if (old.nodes.size() != updated.nodes.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < old.nodes.size(); ++i) {
    const Work &a = old.nodes[i], &b = updated.nodes[i];
    if (std::strcmp(a.name, b.name) != 0) return cudaGraphExecUpdateErrorNodeTypeChanged;
    if (a.identity != b.identity) return cudaGraphExecUpdateErrorFunctionChanged;
  }
  return cudaGraphExecUpdateSuccess;
}

}  // namespace

std::size_t n_graphs() { return graphs().size(); }
std::size_t n_executable_graphs() { return executable_graphs().size(); }

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return runtime_call("cudaStreamBeginCapture", WhileCapturing::kAllowed, [&] {
    if (stream == nullptr || stream == cudaStreamLegacy) return cudaErrorStreamCaptureUnsupported;
    const std::shared_ptr<Stream> captured = stream_of(stream, "cudaStreamBeginCapture");
    if (captured->capture != nullptr) return cudaErrorIllegalState;
    captured->capture = std::make_shared<Capture>(Capture{std::make_shared<Graph>(), mode});
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return runtime_call("cudaStreamIsCapturing", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Capture>& capture = stream_of(stream, "cudaStreamIsCapturing")->capture;
    *status = capture == nullptr ? cudaStreamCaptureStatusNone
              : capture->valid   ? cudaStreamCaptureStatusActive
                                 : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return runtime_call("cudaStreamEndCapture", WhileCapturing::kAllowed, [&] {
    *graph = nullptr;
    const std::shared_ptr<Stream> captured = stream_of(stream, "cudaStreamEndCapture");
    if (captured->capture == nullptr) return cudaErrorIllegalState;
    const std::shared_ptr<Capture> capture = std::exchange(captured->capture, nullptr);
    if (!capture->valid) return cudaErrorStreamCaptureInvalidated;
    *graph = graphs().add(capture->graph);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return runtime_call("cudaGraphDestroy", WhileCapturing::kAllowed, [&] {
    graphs().remove(graph, "cudaGraphDestroy");
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* n_nodes) {
  return runtime_call("cudaGraphGetNodes", WhileCapturing::kAllowed, [&] {
    if (nodes != nullptr) die("cudaGraphGetNodes: only their number is modelled");
    *n_nodes = graphs().at(graph, "cudaGraphGetNodes")->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags) {
  return runtime_call("cudaGraphInstantiate", WhileCapturing::kAllowed, [&] {
    if (flags != 0) die("cudaGraphInstantiate: the flags %llu are not modelled", flags);
    auto copy = std::make_shared<const Graph>(*graphs().at(graph, "cudaGraphInstantiate"));
    ++counted().graph_instantiations;
    *executable = executable_graphs().add(
        std::make_shared<ExecutableGraph>(ExecutableGraph{std::move(copy)}));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return runtime_call("cudaGraphExecDestroy", WhileCapturing::kAllowed, [&] {
    executable_graphs().remove(executable, "cudaGraphExecDestroy");
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* info) {
  return runtime_call("cudaGraphExecUpdate", WhileCapturing::kAllowed, [&] {
    const auto& updated = executable_graphs().at(executable, "cudaGraphExecUpdate");
    const auto& by = graphs().at(graph, "cudaGraphExecUpdate");
    *info = {};
    info->result = compare(*updated->graph, *by);
    if (info->result != cudaGraphExecUpdateSuccess) return cudaErrorGraphExecUpdateFailure;
    updated->graph = std::make_shared<const Graph>(*by);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return runtime_call("cudaGraphLaunch", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Stream> on = stream_of(stream, "cudaGraphLaunch");
    if (on->capture != nullptr) die("cudaGraphLaunch: a graph within a graph is not modelled");
    const auto& launched = executable_graphs().at(executable, "cudaGraphLaunch");
    const auto run = [graph = launched->graph] {
      for (const Work& node : graph->nodes) node.run();
    };
    return submit(on, {run, "cudaGraphLaunch", &Counters::graph_launches});
  });
}

}  // extern "C"
