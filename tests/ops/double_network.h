#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/guarded_memory.h"
#include "ops/host_data.h"

namespace hourglass::ops_test {

/// The whole network and its loss in double, written out plainly: what the operations together must
/// have the gradients of. Layer 0 is the input layer, then the middle; the output is linear.
struct DoubleNetwork {
  struct Layer {
    bool relu = false;
    std::int64_t in = 0, out = 0;
    std::vector<double> weight;     // [(in + 1) x out], the bias last
    std::vector<double> pre, post;  // [batch x out] added before and after the activation: 0, but a
                                    // difference by them is a delta, or the gradient by h
  };
  HostBatch batch;
  bool rated = false;  ///< the loss over the rated cells, not over all
  std::vector<Layer> layers;
  std::vector<double> output;  // [n_columns x (hidden + 1)]

  std::int64_t hidden() const { return layers.back().out; }

  struct Loss {
    double value = 0;
    std::vector<bool> positive;  ///< of every unit: ReLU's pieces
  };
  Loss loss() const;

  /// Of every array above by name, with differences that no kink of a ReLU falsifies. The loss is
  /// quadratic in each number, so that central differences have no error but rounding in double.
  Results gradients();
  /// A bound of what rounding in double may do to any of those.
  double difference_error() const;

  /// The network in which no terms cancel: its gradients times a rounding bound the rounding of
  /// this one's.
  DoubleNetwork magnitudes() const;

 private:
  double by(double& parameter);

  static constexpr double kStep = 0x1p-6;
  double smallest_step_ = kStep;
  bool negate_targets_ = false;  ///< the batch holds the targets negated: the inputs are positive
};

/// widths: of the input layer and the middle. Numbers are floats, as the operations will have them.
DoubleNetwork random_network(Numbers& numbers, std::int64_t batch, std::int64_t n_columns,
                             const std::vector<std::int64_t>& widths, bool rated);

}  // namespace hourglass::ops_test
