#pragma once

#include <cstddef>
#include <list>
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
  /// ... to here is launched now, as one; or, where an exception has come on the way and unwinds
  /// the stack, not at all.
  void end();

 private:
  cudaStream_t stream_;
  bool enabled_;
  bool warm_ = false;  ///< the first step is launched as it comes: it loads kernels and cuBLAS
  bool capturing_ = false;
  int exceptions_ = 0;  ///< under way when the step began
  /// By their number of nodes; of one number, the one that was launched last comes first.
  std::map<std::size_t, std::list<GraphExec>> graphs_;
};

}  // namespace hourglass::cuda
