#include "hourglass/model/network.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "support/error_text.h"

namespace hourglass {
namespace {

using test::error_text;

TEST(Network, HasPyTorchsLayers) {
  const NetworkShape shape = {.n_columns = 1000, .hidden = {128, 64}, .bottleneck = 16};
  const std::vector<LayerShape> expected = {
      {"encoder.0", 1000, 128, true}, {"encoder.2", 128, 64, true}, {"encoder.4", 64, 16, false},
      {"decoder.0", 16, 64, true},    {"decoder.2", 64, 128, true}, {"decoder.4", 128, 1000, false},
  };
  EXPECT_EQ(shape.layers(), expected);
  EXPECT_EQ(shape.n_encoder_layers(), 3);
  EXPECT_EQ(to_string(shape), "1000 - 128 - 64 - 16 - 64 - 128 - 1000");
  // weights 2 * (1000 * 128 + 128 * 64 + 64 * 16), biases 128 + 64 + 16 + 64 + 128 + 1000
  EXPECT_EQ(shape.n_parameters(), 274'432 + 1'400);
}

TEST(Network, MayHaveNoHiddenLayer) {
  const NetworkShape shape = {.n_columns = 5, .hidden = {}, .bottleneck = 1};
  const std::vector<LayerShape> expected = {{"encoder.0", 5, 1, false}, {"decoder.0", 1, 5, false}};
  EXPECT_EQ(shape.layers(), expected);
  EXPECT_EQ(shape.n_parameters(), 16);
}

TEST(Network, RefusesWhatCannotBe) {
  const auto refusal = [](NetworkShape shape) { return error_text([&] { shape.validate(); }); };
  EXPECT_EQ(refusal({.n_columns = 0}), "the network has 0 columns: use 1 to 2147483647");
  EXPECT_EQ(refusal({.n_columns = std::int64_t{1} << 31}),
            "the network has 2147483648 columns: use 1 to 2147483647");
  EXPECT_EQ(refusal({.n_columns = 9, .hidden = {128, 0}}),
            "the network has a hidden layer of 0 units: use 1 to 1048576");
  EXPECT_EQ(refusal({.n_columns = 9, .hidden = {}, .bottleneck = -1}),
            "the network has a bottleneck of -1 units: use 1 to 1048576");
  EXPECT_EQ(refusal({.n_columns = 9, .hidden = std::vector<int>(101, 1)}),
            "the network has 101 hidden layers a side: use at most 100");
}

// The largest network there can be must count its parameters without overflow.
TEST(Network, CountsTheLargest) {
  const NetworkShape shape = {.n_columns = std::numeric_limits<std::int32_t>::max(),
                              .hidden = std::vector<int>(kMaxHidden, kMaxWidth),
                              .bottleneck = kMaxWidth};
  shape.validate();
  EXPECT_GT(shape.n_parameters(), std::int64_t{1} << 52);
}

TEST(Network, GoesThroughJson) {
  for (const NetworkShape& shape :
       {NetworkShape{.n_columns = 1000, .hidden = {128, 64}, .bottleneck = 16},
        NetworkShape{.n_columns = 1, .hidden = {}, .bottleneck = 1}}) {
    EXPECT_EQ(network_from_json(nlohmann::json::parse(to_json(shape).dump())), shape);
  }
  EXPECT_EQ(to_json({.n_columns = 7, .hidden = {3}, .bottleneck = 2}).dump(),
            R"({"bottleneck":2,"hidden":[3],"n_columns":7})");
}

TEST(Network, RefusesOtherJson) {
  for (const char* text : {
           "[]",
           "7",
           "null",
           "{}",
           R"({"n_columns": 7, "hidden": [3]})",
           R"({"n_columns": 7.5, "hidden": [3], "bottleneck": 2})",
           R"({"n_columns": "7", "hidden": [3], "bottleneck": 2})",
           R"({"n_columns": 7, "hidden": 3, "bottleneck": 2})",
           R"({"n_columns": 7, "hidden": [null], "bottleneck": 2})",
           R"({"n_columns": -7, "hidden": [3], "bottleneck": 2})",
           R"({"n_columns": 18446744073709551615, "hidden": [3], "bottleneck": 2})",
           R"({"n_columns": 7, "hidden": [4294967299], "bottleneck": 2})",
           R"({"n_columns": 7, "hidden": [3], "bottleneck": 0})",
       }) {
    EXPECT_FALSE(error_text([&] { network_from_json(nlohmann::json::parse(text)); }).empty())
        << text;
  }
}

}  // namespace
}  // namespace hourglass
