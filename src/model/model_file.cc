#include "hourglass/model/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <set>
#include <stdexcept>

#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "hourglass/model/safetensors.h"
#include "model/in_quotes.h"

namespace hourglass {
namespace {

constexpr const char* kVersion = "1";

struct ExpectedTensor {
  std::string name;
  Shape shape;
};

/// What a file of `shape` must hold: weight and bias of each layer, in order.
std::vector<ExpectedTensor> expected_tensors(const NetworkShape& shape) {
  std::vector<ExpectedTensor> expected;
  for (const LayerShape& layer : shape.layers()) {
    expected.push_back({layer.name + ".weight", {layer.n_outputs, layer.n_inputs}});
    expected.push_back({layer.name + ".bias", {layer.n_outputs}});
  }
  return expected;
}

/// Every way in which `file` is not a file of `shape`.
std::vector<std::string> mismatches(const SafetensorsFile& file,
                                    const std::vector<ExpectedTensor>& expected) {
  std::vector<std::string> found;
  std::set<std::string_view> names;
  for (const auto& [name, shape] : expected) {
    names.insert(name);
    const auto entry = file.tensors().find(name);
    if (entry == file.tensors().end()) {
      found.push_back(fmt::format("{} {} is missing", name, to_string(shape)));
      continue;
    }
    const TensorInfo& tensor = entry->second;
    if (tensor.shape != shape) {
      found.push_back(
          fmt::format("{} is {}, expected {}", name, to_string(tensor.shape), to_string(shape)));
    }
    if (tensor.dtype != DType::kF32) {
      found.push_back(fmt::format("{} is of {}, expected F32", name, to_string(tensor.dtype)));
    }
  }
  constexpr std::size_t kMaxUnexpected = 100;  // another program's file may have thousands
  std::size_t n_unexpected = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    if (names.contains(name) || ++n_unexpected > kMaxUnexpected) continue;
    found.push_back(fmt::format("{} {} is unexpected", in_quotes(name), to_string(tensor.shape)));
  }
  if (n_unexpected > kMaxUnexpected) {
    found.push_back(fmt::format("{} more are unexpected", n_unexpected - kMaxUnexpected));
  }
  return found;
}

bool all_finite(const std::vector<float>& values) {
  std::uint32_t greatest = 0;  // magnitudes order like their bits; infinity and NaN are the last
  for (const float value : values) {
    greatest = std::max(greatest, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU);
  }
  return greatest < 0x7F800000U;
}

/// Fills the weights and biases of `model` from `file`, which must fit model.shape.
void read_parameters(const SafetensorsFile& file, Model& model) {
  const auto expected = expected_tensors(model.shape);
  const auto found = mismatches(file, expected);
  if (!found.empty()) {
    throw Error(
        fmt::format("{}: does not fit the network {}: {}; use weights of that network, or "
                    "the options of these weights",
                    file.path().string(), to_string(model.shape), fmt::join(found, ", ")));
  }
  const auto read = [&](const std::string& name) {
    std::vector<float> values = file.read_f32(name);
    if (!all_finite(values)) {
      throw Error(fmt::format("{}: {} has values that are not finite; train it anew",
                              file.path().string(), name));
    }
    return values;
  };
  for (std::size_t i = 0; i < expected.size(); i += 2) {
    model.weights.push_back(read(expected[i].name));
    model.biases.push_back(read(expected[i + 1].name));
  }
}

const std::string& metadata_value(const SafetensorsFile& file, std::string_view key) {
  const auto entry = file.metadata().find(key);
  if (entry == file.metadata().end()) {
    throw Error(
        fmt::format("{}: has no metadata {}, so it is not a model of hourglass; name the "
                    "model.safetensors of a run",
                    file.path().string(), in_quotes(key)));
  }
  return entry->second;
}

/// A JSON object of the metadata: of our making, so small and shallow.
nlohmann::json metadata_object(const SafetensorsFile& file, std::string_view key) {
  const std::string& text = metadata_value(file, key);
  const auto fail = [&] {
    throw Error(fmt::format("{}: its metadata {} is not a small JSON object; write it anew",
                            file.path().string(), in_quotes(key)));
  };
  nlohmann::json object;
  try {
    object = parse_json(text);
  } catch (const Error&) {
    fail();
  }
  if (!object.is_object()) fail();
  return object;
}

/// Errors of texts inside a file do not know its path.
template <class Read>
auto with_path(const SafetensorsFile& file, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}; write it anew", file.path().string(), error.what()));
  }
}

void check_sizes(const Model& model) {
  model.shape.validate();
  const auto layers = model.shape.layers();
  bool fits = model.weights.size() == layers.size() && model.biases.size() == layers.size() &&
              model.column_ids.size() == model.shape.n_columns;
  for (std::size_t i = 0; fits && i < layers.size(); ++i) {
    fits = static_cast<std::int64_t>(model.weights[i].size()) ==
               layers[i].n_outputs * layers[i].n_inputs &&
           static_cast<std::int64_t>(model.biases[i].size()) == layers[i].n_outputs;
  }
  if (!fits || (model.objective != "all" && model.objective != "observed")) {
    throw std::invalid_argument("save_model: the model is not of its shape " +
                                to_string(model.shape));
  }
}

/// Throws where `ids` are not `expected`, naming the first that differs.
void check_column_ids(const std::filesystem::path& path, const IdList& ids,
                      const IdList& expected) {
  if (ids == expected) return;
  std::int64_t i = 0;
  while (i < ids.size() && i < expected.size() && ids[i] == expected[i]) ++i;
  const auto shown = [i](const IdList& list) {
    return i < list.size() ? in_quotes(list[i]) : std::string("none");
  };
  throw Error(
      fmt::format("{}: was trained on other columns: its column {} is {}, the data's is {}; "
                  "use a model of this data",
                  path.string(), i + 1, shown(ids), shown(expected)));
}

}  // namespace

void save_model(const std::filesystem::path& path, const Model& model) {
  check_sizes(model);
  const auto expected = expected_tensors(model.shape);
  std::vector<TensorView> tensors;
  for (std::size_t i = 0; i < model.weights.size(); ++i) {
    tensors.emplace_back(expected[2 * i].name, expected[2 * i].shape, model.weights[i]);
    tensors.emplace_back(expected[2 * i + 1].name, expected[2 * i + 1].shape, model.biases[i]);
  }
  save_safetensors(
      path, tensors,
      {{"format", "pt"},
       {"hourglass_model", kVersion},
       {"network", to_json(model.shape).dump()},
       {"objective", model.objective},
       {"training", model.training.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
       {"column_ids", column_ids_to_json(model.column_ids)}});
}

void check_column_ids_fit(const std::filesystem::path& path, const IdList& column_ids) {
  constexpr std::size_t kOtherBytes = std::size_t{1} << 20;  // room for all the rest of the header
  // The array is a string in the header's JSON: its quotes and backslashes are escaped once more.
  const std::string text = column_ids_to_json(column_ids);
  std::size_t bytes = text.size();
  for (const char c : text) bytes += c == '"' || c == '\\';
  if (bytes + kOtherBytes > static_cast<std::size_t>(kMaxHeaderBytes)) {
    throw Error(
        fmt::format("{}: the ids of {} columns would take {} bytes in it, and safetensors "
                    "files allow {}; use shorter ids or fewer columns",
                    path.string(), column_ids.size(), bytes, kMaxHeaderBytes));
  }
}

Model load_model(const std::filesystem::path& path) {
  const SafetensorsFile file(path, Checksum::kRequired);
  if (metadata_value(file, "hourglass_model") != kVersion) {
    throw Error(
        fmt::format("{}: is a model of another version of hourglass; use that one", path.string()));
  }
  Model model;
  const nlohmann::json network = metadata_object(file, "network");
  model.shape = with_path(file, [&] { return network_from_json(network); });
  model.objective = metadata_value(file, "objective");
  model.training = metadata_object(file, "training");
  const std::string& ids = metadata_value(file, "column_ids");
  model.column_ids = with_path(file, [&] { return column_ids_from_json(ids); });
  if (model.column_ids.size() != model.shape.n_columns) {
    throw Error(fmt::format("{}: has {} column ids for {} columns; write it anew", path.string(),
                            model.column_ids.size(), model.shape.n_columns));
  }
  if (model.objective != "all" && model.objective != "observed") {
    throw Error(
        fmt::format("{}: has the unknown objective {}; use the version of hourglass that "
                    "wrote it",
                    path.string(), in_quotes(model.objective)));
  }
  read_parameters(file, model);
  return model;
}

Model load_weights(const std::filesystem::path& path, const NetworkShape& shape,
                   const IdList& column_ids) {
  shape.validate();
  const SafetensorsFile file(path);
  Model model;
  model.shape = shape;
  read_parameters(file, model);
  const auto ids = file.metadata().find("column_ids");
  if (ids != file.metadata().end() && file.metadata().contains("hourglass_model")) {
    model.column_ids = with_path(file, [&] { return column_ids_from_json(ids->second); });
    check_column_ids(path, model.column_ids, column_ids);
  }
  return model;
}

}  // namespace hourglass
