#include "hourglass/model/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "hourglass/core/error.h"

namespace hourglass {
namespace {

/// N, h1, ..., K, ..., h1, N
std::vector<std::int64_t> widths(const NetworkShape& shape) {
  std::vector<std::int64_t> widths = {shape.n_columns};
  widths.insert(widths.end(), shape.hidden.begin(), shape.hidden.end());
  widths.push_back(shape.bottleneck);
  widths.insert(widths.end(), shape.hidden.rbegin(), shape.hidden.rend());
  widths.push_back(shape.n_columns);
  return widths;
}

void check_width(std::string_view what, int width) {
  if (width < 1 || width > kMaxWidth) {
    throw Error(fmt::format("the network has {} of {} units: use 1 to {}", what, width, kMaxWidth));
  }
}

std::int64_t read_integer(const nlohmann::json& json, std::int64_t max) {
  if (!json.is_number_integer()) throw Error("the network's description has no whole number");
  const auto value = json.get<std::int64_t>();
  // A number beyond int64 has wrapped to a negative here.
  if (value < 0 || value > max) throw Error("the network's description has a number out of range");
  return value;
}

}  // namespace

void NetworkShape::validate() const {
  constexpr std::int64_t kMaxColumns = std::numeric_limits<std::int32_t>::max();
  if (n_columns < 1 || n_columns > kMaxColumns) {
    throw Error(fmt::format("the network has {} columns: use 1 to {}", n_columns, kMaxColumns));
  }
  if (hidden.size() > static_cast<std::size_t>(kMaxHidden)) {
    throw Error(fmt::format("the network has {} hidden layers a side: use at most {}",
                            hidden.size(), kMaxHidden));
  }
  for (const int width : hidden) check_width("a hidden layer", width);
  check_width("a bottleneck", bottleneck);
}

std::vector<LayerShape> NetworkShape::layers() const {
  const auto width = widths(*this);
  const std::size_t n_layers = width.size() - 1;
  const std::size_t n_encoder = n_layers / 2;
  std::vector<LayerShape> layers(n_layers);
  for (std::size_t i = 0; i < n_layers; ++i) {
    const bool encodes = i < n_encoder;
    const std::size_t position = encodes ? i : i - n_encoder;
    // The ReLUs between stand in the Sequential too: every other index is theirs.
    layers[i] = {.name = fmt::format("{}.{}", encodes ? "encoder" : "decoder", 2 * position),
                 .n_inputs = width[i],
                 .n_outputs = width[i + 1],
                 .relu = position + 1 != n_encoder};
  }
  return layers;
}

std::int64_t NetworkShape::n_parameters() const {
  std::int64_t n = 0;
  for (const LayerShape& layer : layers()) n += layer.n_outputs * (layer.n_inputs + 1);
  return n;
}

std::string to_string(const NetworkShape& shape) {
  return fmt::format("{}", fmt::join(widths(shape), " - "));
}

nlohmann::json to_json(const NetworkShape& shape) {
  return {
      {"n_columns", shape.n_columns}, {"hidden", shape.hidden}, {"bottleneck", shape.bottleneck}};
}

NetworkShape network_from_json(const nlohmann::json& json) {
  const auto field = [&](const char* key) -> const nlohmann::json& {
    if (!json.is_object() || !json.contains(key)) {
      throw Error(fmt::format("the network's description has no \"{}\"", key));
    }
    return json[key];
  };
  constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
  NetworkShape shape;
  shape.n_columns = read_integer(field("n_columns"), kMaxInt);
  const nlohmann::json& hidden = field("hidden");
  if (!hidden.is_array()) throw Error("the network's description has no list \"hidden\"");
  shape.hidden.clear();
  for (const nlohmann::json& width : hidden) {
    shape.hidden.push_back(static_cast<int>(read_integer(width, kMaxInt)));
  }
  shape.bottleneck = static_cast<int>(read_integer(field("bottleneck"), kMaxInt));
  shape.validate();
  return shape;
}

}  // namespace hourglass
