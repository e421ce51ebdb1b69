#pragma once

#include <string>
#include <vector>

#include "ops/adam_data.h"
#include "ops/guarded_memory.h"

namespace hourglass::ops_test {

/// The middle of a network on the host, for each of its three operations.
struct MiddleCase {
  struct Layer {
    bool relu = false;
    HostParameters rows;    // [(in + 1) x out]
    HostMatrix activation;  // [batch x out], without the column of ones
    HostMatrix delta;       // [batch x out]
  };
  std::vector<Layer> layers;
  HostMatrix input, input_delta;  // [batch x input_width]
  bool input_is_data = false;     // then no gradient by it is wanted
  bool input_relu = false;
  HostMatrix grad_out;  // [batch x the last activation's width]
  int code_layer = -1;
  HostMatrix grad_code;  // [batch x the code's units]; where code_layer >= 0
  HostAdam adam = exact_adam(0);
  std::int64_t step = 1;
  std::int64_t extra_stride = 0;

  std::string name() const {
    std::string name =
        std::to_string(input.n_rows) + " rows, widths " + std::to_string(input.width);
    for (const Layer& layer : layers) name += "-" + std::to_string(layer.rows.weight.width);
    return name + ", step " + std::to_string(step);
  }
  static std::string prefix(std::size_t l) { return "layer " + std::to_string(l) + " "; }

  Results forward(Backend& backend) const;  ///< reads input and weights, writes activations
  Results backward(
      Backend& backend) const;             ///< reads grad_out, activations, weights; writes deltas
  Results update(Backend& backend) const;  ///< reads activations and deltas, steps the weights

  /// Everything that enters a sum as its absolute value. Activations keep their signs where they
  /// only mask: see each operation's test.
  MiddleCase magnitudes() const;
  MiddleCase gradients() const;  ///< the same case, its gradients left in m

 private:
  enum class Operation { kForward, kBackward, kUpdate };
  MiddleLayers in(GuardedMemory& memory, Operation operation) const;
};

/// widths: the input's and each layer's output. ReLU on every layer but each third; a gradient by
/// the code at any of them, or at none; in the integers most weights are 0, so that sums over
/// several layers stay exact. Behind a ReLU some units are idle for the whole batch, and so are some
/// deltas.
MiddleCase random_middle(Numbers& numbers, std::int64_t n_rows,
                         const std::vector<std::int64_t>& widths);

}  // namespace hourglass::ops_test
