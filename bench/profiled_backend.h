#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/relay_backend.h"

namespace hourglass::bench {

/// Hands every operation on to a backend whose memory is the host's and whose operations are over
/// when `run` returns, times it, and looks at the activations that MiddleForward leaves.
class ProfiledBackend final : public RelayBackend<ProfiledBackend> {
 public:
  /// What a step of training took.
  struct Step {
    std::map<std::string, double> ms;  ///< by operation
    /// Units that are above 0 in some row of the batch, of every ReLU layer behind which there are
    /// others: they alone have a share in products.
    std::vector<std::int64_t> live;
  };

  explicit ProfiledBackend(Backend& backend) : RelayBackend(backend), backend_(&backend) {}

  /// Ends the step: what was run since the last call.
  Step take_step();

  void begin_step() override { backend_->begin_step(); }
  void end_step() override { backend_->end_step(); }

  template <class Operation>
  void relay(const std::string& name, const Operation& op) {
    time(name, op);
  }
  void relay(const std::string& name, const MiddleForward& op) {
    time(name, op);
    look_at(op.layers);
  }

 private:
  template <class Operation>
  void time(const std::string& name, const Operation& op) {
    const auto began = std::chrono::steady_clock::now();
    backend_->run(op);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    step_.ms[name] += took.count();
  }
  void look_at(const MiddleLayers& layers);

  Backend* backend_;
  Step step_;
};

}  // namespace hourglass::bench
