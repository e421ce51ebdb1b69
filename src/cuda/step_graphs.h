#pragma once

#include <cstddef>
#include <map>

#include "cuda/owners.h"

namespace hourglass::cuda {

/// A step's launches as one CUDA graph: captured each time, since every step has other arguments,
/// and written into the graph that was instantiated for the first of its kind. A launch by itself
/// costs the host more than the small kernels of the middle take.
class StepGraphs {
 public:
  /// The environment's HOURGLASS_CUDA_GRAPHS=0 launches one by one: to compare, and for profilers.
  explicit StepGraphs(cudaStream_t stream);

  /// What the stream is given from here ...
  void begin();
  /// ... to here is launched now, as one.
  void end();

 private:
  cudaStream_t stream_;
  bool enabled_;
  bool warm_ = false;  ///< the first step is launched as it comes: it loads kernels and cuBLAS
  bool capturing_ = false;
  std::map<std::size_t, GraphExec> graphs_;  ///< by their number of nodes
};

}  // namespace hourglass::cuda
