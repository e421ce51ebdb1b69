#include <algorithm>
#include <cmath>
#include <string>

#include "ops/adam_bound.h"
#include "ops/middle_data.h"
#include "ops/operation_test.h"

namespace hourglass::ops_test {
namespace {

std::vector<MiddleCase> cases(Values values) {
  struct Size {
    std::int64_t n_rows;
    std::vector<std::int64_t> widths;
  };
  std::vector<MiddleCase> all;
  for (const auto& [n_rows, widths] : std::vector<Size>{{0, {5, 3}},
                                                        {5, {7}},
                                                        {33, {32}},
                                                        {1, {1, 1}},
                                                        {31, {31, 32}},
                                                        {32, {33, 127, 31}},
                                                        {127, {128, 64, 8, 64, 128}},
                                                        {33, {16, 15, 17, 48, 7, 24, 25}},
                                                        {257, {33, 1}},
                                                        {6, {257, 33}},
                                                        {7, {31, 1031, 1}},
                                                        {1031, {3, 5, 4}},
                                                        {2, {1031, 32}},
                                                        {9, {256, 255, 256}},
                                                        {521, {70, 9, 65}}}) {
    const std::size_t i = all.size();
    Numbers numbers(i + 1, values);
    MiddleCase c = random_middle(numbers, n_rows, widths);
    const bool decay = i % 2 == 1;
    c.adam =
        values == Values::kIntegers ? exact_adam(decay ? 0.5F : 0) : real_adam(decay ? 0.01 : 0);
    c.step = static_cast<std::int64_t>(i) % 7 + 1;
    c.extra_stride = i % 4 == 3 ? 16 : 0;
    all.push_back(c);
  }
  return all;
}

/// The cases that have a layer, their input data.
std::vector<MiddleCase> cases_of_data(Values values) {
  std::vector<MiddleCase> all = cases(values);
  std::erase_if(all, [](const MiddleCase& c) { return c.layers.empty(); });
  for (MiddleCase& c : all) {
    c.input_is_data = true;
    c.input_relu = false;
    if (c.code_layer == 0) c.code_layer = -1;
  }
  return all;
}

std::int64_t widest_sum(const MiddleCase& c) {
  std::int64_t n = 1;
  for (const auto& layer : c.layers) {
    n = std::max({n, layer.rows.weight.n_rows, layer.rows.weight.width});
  }
  return n;
}

/// What rounding may do to a value that has passed all layers, over the network of absolute values.
double of_layers(const MiddleCase& c, Math math) {
  const double of_layer = rounding(widest_sum(c)) + of_factors(math);
  return std::pow(1 + of_layer, static_cast<double>(c.layers.size())) - 1;
}

void scale(Results& results, double factor) {
  for (auto& [name, values] : results) {
    for (double& x : values) x *= factor;
  }
}

/// A case under one of the three operations, as OperationTest wants it.
template <Results (MiddleCase::*kRun)(Backend&) const>
struct Run {
  const MiddleCase& c;
  std::string name() const { return c.name(); }
  Results run(Backend& backend) const { return (c.*kRun)(backend); }
};
using Forward = Run<&MiddleCase::forward>;
using Backward = Run<&MiddleCase::backward>;
using Update = Run<&MiddleCase::update>;

class MiddleForwardTest : public OperationTest {};

TEST_P(MiddleForwardTest, IntegersAreExact) {
  for (const MiddleCase& c : cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().forward(reference()));
    expect_exact(Forward{c});
  }
}

// A layer's own rounding is carried on by the absolute values of the weights after it: the bound of
// the last is the sum of all layers', times the network of absolute values.
TEST_P(MiddleForwardTest, RealsAreWithinRounding) {
  for (const MiddleCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results want = c.forward(reference());
    const Results magnitudes = c.magnitudes().forward(reference());
    for_each_math([&](Math math) {
      Results bound = magnitudes;
      scale(bound, of_layers(c, math));
      expect_within(c.forward(backend()), want, bound);
    });
  }
}

TEST_P(MiddleForwardTest, TakesDataAsInput) {
  if (!backend().takes_dense_input()) GTEST_SKIP() << "not this backend's";
  for (const MiddleCase& c : cases_of_data(Values::kIntegers)) expect_exact(Forward{c});
}

// Narrow layers are fp32's on any device, wide ones are products by a library.
TEST_P(MiddleForwardTest, MathsDifferWhereALayerIsWide) {
  for (const MiddleCase& c : cases(Values::kReals)) {
    if (widest_sum(c) > 1000) expect_maths_differ(Forward{c});
  }
}

TEST_P(MiddleForwardTest, GivesTheSameBitsAgain) {
  for (const MiddleCase& c : cases(Values::kReals)) expect_bits_of_twins(Forward{c});
}

/// Two layers, 2-2-1, of two rows; the second is linear.
MiddleCase by_hand() {
  MiddleCase c;
  c.input = HostMatrix(2, 2, {1, 2, 3, 0});
  c.input_delta = HostMatrix(2, 2);
  c.input_relu = true;
  c.layers.resize(2);
  c.layers[0].relu = true;
  c.layers[0].rows = {
      HostMatrix(3, 2, {1, -1, 2, 1, 0.5, -2}), HostMatrix(3, 2), HostMatrix(3, 2, 1), {}};
  c.layers[0].activation = HostMatrix(2, 2, {5.5, 0, 3.5, 0});
  c.layers[0].delta = HostMatrix(2, 2, {1, 0, 2, 0});
  c.layers[1].rows = {HostMatrix(3, 1, {2, 3, -1}), HostMatrix(3, 1), HostMatrix(3, 1, 1), {}};
  c.layers[1].activation = HostMatrix(2, 1, {10, 6});
  c.layers[1].delta = HostMatrix(2, 1, {4, -1});
  c.grad_out = HostMatrix(2, 1, {4, -1});
  return c;
}

TEST_P(MiddleForwardTest, WorkedByHand) {
  // Row 0: (1 + 4 + 1/2, -1 + 2 - 2) = (5.5, -1 -> 0), then 11 - 1. Row 1: (3.5, -5 -> 0), 7 - 1.
  EXPECT_EQ(by_hand().forward(backend()), (Results{{"layer 0 activation", {5.5, 0, 1, 3.5, 0, 1}},
                                                   {"layer 1 activation", {10, 1, 6, 1}}}));
  MiddleCase c = by_hand();
  c.layers[0].relu = false;
  c.layers[1].relu = true;
  EXPECT_EQ(c.forward(backend()), (Results{{"layer 0 activation", {5.5, -1, 1, 3.5, -5, 1}},
                                           {"layer 1 activation", {7, 1, 0, 1}}}));
}

// ReLU must not hide that training has gone wrong: PyTorch's keeps NaN as well.
TEST_P(MiddleForwardTest, ReluKeepsNaN) {
  MiddleCase c = by_hand();
  c.layers.pop_back();  // NaN times the padding's zeros is NaN: it would spread into that as well
  c.layers[0].rows.weight.at(2, 1) = std::numeric_limits<float>::quiet_NaN();
  const Results got = c.forward(backend());
  EXPECT_EQ(got.at("layer 0 activation")[0], 5.5);
  EXPECT_TRUE(std::isnan(got.at("layer 0 activation")[1]));
}

HOURGLASS_ON_EVERY_BACKEND(MiddleForwardTest);

class MiddleBackwardTest : public OperationTest {};

TEST_P(MiddleBackwardTest, IntegersAreExact) {
  for (const MiddleCase& c : cases(Values::kIntegers)) {
    expect_largest_is_exact(c.magnitudes().backward(reference()));
    expect_exact(Backward{c});
  }
}

TEST_P(MiddleBackwardTest, RealsAreWithinRounding) {
  for (const MiddleCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results want = c.backward(reference());
    const Results magnitudes =
        c.magnitudes().backward(reference());  // the masks are the same: activations
    for_each_math([&](Math math) {
      Results bound = magnitudes;
      scale(bound, of_layers(c, math));
      expect_within(c.backward(backend()), want, bound);
    });
  }
}

TEST_P(MiddleBackwardTest, TakesDataAsInput) {
  if (!backend().takes_dense_input()) GTEST_SKIP() << "not this backend's";
  for (const MiddleCase& c : cases_of_data(Values::kIntegers)) expect_exact(Backward{c});
}

TEST_P(MiddleBackwardTest, MathsDifferWhereALayerIsWide) {
  for (const MiddleCase& c : cases(Values::kReals)) {
    if (widest_sum(c) > 1000) expect_maths_differ(Backward{c});
  }
}

TEST_P(MiddleBackwardTest, GivesTheSameBitsAgain) {
  for (const MiddleCase& c : cases(Values::kReals)) expect_bits_of_twins(Backward{c});
}

TEST_P(MiddleBackwardTest, WorkedByHand) {
  // delta 1 = grad_out; delta 0 = delta 1 (2, 3) where the activation is above 0; the input's is
  // delta 0 [1 -1; 2 1]^T where the input is.
  MiddleCase c = by_hand();
  EXPECT_EQ(c.backward(backend()), (Results{{"layer 1 delta", {4, -1}},
                                            {"layer 0 delta", {8, 0, -2, 0}},
                                            {"input_delta", {8, 16, -2, 0}}}));
  c.layers[0].relu = false;
  c.input_relu = false;
  EXPECT_EQ(c.backward(backend()), (Results{{"layer 1 delta", {4, -1}},
                                            {"layer 0 delta", {8, 12, -2, -3}},
                                            {"input_delta", {-4, 28, 1, -7}}}));
  c.code_layer = 1;  // layer 0's activations have a gradient of their own
  c.grad_code = HostMatrix(2, 2, {1, -2, 0, 5});
  EXPECT_EQ(c.backward(backend()), (Results{{"layer 1 delta", {4, -1}},
                                            {"layer 0 delta", {9, 10, -2, 2}},
                                            {"input_delta", {-1, 28, -4, -2}}}));
  c.code_layer = -1;
  c.layers.clear();
  c.grad_out = HostMatrix(2, 2, {1, -2, 3, 4});
  EXPECT_EQ(c.backward(backend()), (Results{{"input_delta", {1, -2, 3, 4}}}));
  c.input_relu = true;
  EXPECT_EQ(c.backward(backend()), (Results{{"input_delta", {1, -2, 3, 0}}}));
}

// The padding of grad_out is not zero where OutputGramLoss left it (its bias column): no delta's
// padding may show it. GuardedMemory's own padding is zero, so the next column stands in for it.
TEST_P(MiddleBackwardTest, IgnoresThePaddingOfGradOut) {
  for (const std::int64_t width : {5, 16, 17}) {
    GuardedMemory memory(backend());
    HostMatrix wider(3, padded(width) + 1, 7.0F);
    const Matrix<float> grad_out = memory.matrix("grad_out", wider, Access::kRead);
    MiddleLayers m;
    m.input_width = width;
    m.input = memory.matrix("input", HostMatrix(3, width + 1, 1.0F), Access::kRead);
    m.input_delta = memory.written("input_delta", 3, width);
    m.n_rows = 3;
    backend().run(MiddleBackward{m, grad_out, {}});
    EXPECT_EQ(memory.finish().at("input_delta"),
              std::vector<double>(static_cast<std::size_t>(3 * width), 7));
  }
}

HOURGLASS_ON_EVERY_BACKEND(MiddleBackwardTest);

class MiddleUpdateTest : public OperationTest {};

MiddleCase update_magnitudes(const MiddleCase& c) {
  MiddleCase m = c.magnitudes().gradients();
  for (auto& layer : m.layers) layer.activation = absolute(layer.activation);
  return m;
}

TEST_P(MiddleUpdateTest, IntegersAreExact) {
  for (const MiddleCase& c : cases(Values::kIntegers)) {
    expect_largest_is_exact(update_magnitudes(c).update(reference()));
    expect_exact(Update{c});
  }
}

TEST_P(MiddleUpdateTest, RealsAreWithinRounding) {
  for (const MiddleCase& c : cases(Values::kReals)) {
    SCOPED_TRACE(c.name());
    const Results gradient = c.gradients().update(reference());
    const Results magnitude = update_magnitudes(c).update(reference());
    const Results want = c.update(reference());
    for_each_math([&](Math math) {
      Results bounds;
      for (std::size_t l = 0; l < c.layers.size(); ++l) {
        const std::string prefix = MiddleCase::prefix(l);
        AdamBound bound(c.layers[l].rows, c.adam, c.step);
        for (std::int64_t r = 0; r < c.layers[l].rows.weight.n_rows; ++r) {
          bound.takes_step(r, c.input.n_rows, gradient.at(prefix + "m"), magnitude.at(prefix + "m"),
                           of_factors(math));
        }
        bound.add_to(bounds, prefix);
      }
      expect_within(c.update(backend()), want, bounds);
    });
  }
}

TEST_P(MiddleUpdateTest, TakesDataAsInput) {
  if (!backend().takes_dense_input()) GTEST_SKIP() << "not this backend's";
  for (const MiddleCase& c : cases_of_data(Values::kIntegers)) expect_exact(Update{c});
}

TEST_P(MiddleUpdateTest, GivesTheSameBitsAgain) {
  for (const MiddleCase& c : cases(Values::kReals)) expect_bits_of_twins(Update{c});
}

TEST_P(MiddleUpdateTest, WorkedByHand) {
  MiddleCase c = by_hand();
  // Layer 0: input^T delta = [1*1 + 3*2, 0; 2*1, 0; 1 + 2, 0]; m is half of it, and w loses m / 2.
  // Layer 1: [5.5*4 - 3.5; 0; 3].
  EXPECT_EQ(c.update(backend()),
            (Results{{"layer 0 weight", {1 - 1.75, -1, 2 - 0.5, 1, 0.5 - 0.75, -2}},
                     {"layer 0 m", {3.5, 0, 1, 0, 1.5, 0}},
                     {"layer 0 v", {1, 1, 1, 1, 1, 1}},
                     {"layer 1 weight", {2 - 4.625, 3, -1 - 0.75}},
                     {"layer 1 m", {9.25, 0, 1.5}},
                     {"layer 1 v", {1, 1, 1}}}));
  c.adam = exact_adam(2);
  c.step = 3;  // w loses 2 m; the gradient has 2 w more
  EXPECT_EQ(c.update(backend()).at("layer 1 m"), (std::vector<double>{11.25, 3, 0.5}));
  EXPECT_EQ(c.update(backend()).at("layer 1 weight"),
            (std::vector<double>{2 - 22.5, 3 - 6, -1 - 1}));
}

HOURGLASS_ON_EVERY_BACKEND(MiddleUpdateTest);

}  // namespace
}  // namespace hourglass::ops_test
