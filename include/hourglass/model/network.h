#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace hourglass {

/// One fully connected layer: y = W x + b with W [n_outputs, n_inputs], then ReLU where it has one.
struct LayerShape {
  std::string name;  ///< PyTorch's, in an nn.Sequential with the ReLUs between: "encoder.2"
  std::int64_t n_inputs = 0;
  std::int64_t n_outputs = 0;
  bool relu = false;

  bool operator==(const LayerShape&) const = default;
};

/// The autoencoder N - h1 - h2 - ... - K - ... - h2 - h1 - N: ReLU after every layer but the code
/// and the output.
struct NetworkShape {
  std::int64_t n_columns = 0;           ///< N
  std::vector<int> hidden = {128, 64};  ///< h1, h2, ...; empty for N - K - N
  int bottleneck = 64;                  ///< K

  bool operator==(const NetworkShape&) const = default;

  /// Throws Error for a network that cannot be: a width below 1 or beyond kMaxWidth, more than
  /// kMaxHidden hidden layers, more columns than an int32 counts.
  void validate() const;

  std::vector<LayerShape> layers() const;  ///< 2 (hidden.size() + 1), from input to output
  std::int64_t n_encoder_layers() const { return static_cast<std::int64_t>(hidden.size()) + 1; }
  std::int64_t n_parameters() const;  ///< weights and biases
};

inline constexpr int kMaxWidth = 1 << 20;
inline constexpr int kMaxHidden = 100;

std::string to_string(const NetworkShape& shape);  ///< "1000 - 128 - 64 - 128 - 1000"

/// {"n_columns": 1000, "hidden": [128], "bottleneck": 64}
nlohmann::json to_json(const NetworkShape& shape);

/// Throws Error where `json` is not such an object or its network fails validate().
NetworkShape network_from_json(const nlohmann::json& json);

}  // namespace hourglass
