#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "emulator/stream.h"

namespace emulator {

/// Work of one stream, in its order: the only graphs that there are here.
struct Graph {
  std::vector<Work> nodes;
};

/// A stream's, from cudaStreamBeginCapture to cudaStreamEndCapture.
struct Capture {
  std::shared_ptr<Graph> graph;
  cudaStreamCaptureMode mode;
  bool valid = true;
};

std::size_t n_graphs();
std::size_t n_executable_graphs();

}  // namespace emulator
