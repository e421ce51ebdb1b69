// A model file, to be predicted with and to start from. Form 3: four texts, with a byte 0 between,
// in the metadata of a file whose tensors and checksum are right.
#include <nlohmann/json.hpp>

#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "fuzz/safetensors_text.h"
#include "hourglass/model/model_file.h"
#include "hourglass/model/safetensors.h"

namespace hourglass::fuzz {
namespace {

/// As a JSON string.
std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A model of the network 2 - 3 - 1 - 3 - 2, its metadata from `input`.
std::string with_metadata(Input input) {
  const std::string network = quoted(input.part('\0')), objective = quoted(input.part('\0'));
  const std::string training = quoted(input.part('\0')), ids = quoted(input.rest());
  const std::string header =
      R"({"__metadata__":{"format":"pt","hourglass_model":"1","sha256":")" + std::string(64, '0') +
      R"(","network":)" + network + R"(,"objective":)" + objective + R"(,"training":)" + training +
      R"(,"column_ids":)" + ids +
      R"(},"encoder.0.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},)"
      R"("encoder.0.bias":{"dtype":"F32","shape":[3],"data_offsets":[24,36]},)"
      R"("encoder.2.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[36,48]},)"
      R"("encoder.2.bias":{"dtype":"F32","shape":[1],"data_offsets":[48,52]},)"
      R"("decoder.0.weight":{"dtype":"F32","shape":[3,1],"data_offsets":[52,64]},)"
      R"("decoder.0.bias":{"dtype":"F32","shape":[3],"data_offsets":[64,76]},)"
      R"("decoder.2.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[76,100]},)"
      R"("decoder.2.bias":{"dtype":"F32","shape":[2],"data_offsets":[100,108]}})";
  std::string file = safetensors(header, std::string(108, '\x3f'));
  mend_checksum(file);
  return file;
}

void check(const Model& model) {
  const auto layers = model.shape.layers();
  expect(model.weights.size() == layers.size() && model.biases.size() == layers.size(),
         "every layer is there");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    expect(std::ssize(model.weights[i]) == layers[i].n_outputs * layers[i].n_inputs &&
               std::ssize(model.biases[i]) == layers[i].n_outputs,
           "every layer is of the network's shape");
  }
}

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static fuzz::MemoryFile memory;
  static const NetworkShape shape = {.n_columns = 2, .hidden = {3}, .bottleneck = 1};
  static const IdList ids = [] {
    IdList two;
    two.add("a");
    two.add("b");
    return two;
  }();
  fuzz::Input input(data, size);
  const unsigned form = input.byte() % 4;
  const std::string bytes =
      form == 3 ? fuzz::with_metadata(input) : fuzz::safetensors_of(form, input.rest());
  memory.put(bytes);
  fuzz::refusal(bytes.size(), [&] {
    const Model model = load_model(memory.path());
    fuzz::check(model);
    fuzz::expect(model.column_ids.size() == model.shape.n_columns, "a column has an id");
    fuzz::expect(model.training.is_object(), "the summary is an object");
  });
  fuzz::refusal(bytes.size(), [&] {
    const Model model = load_weights(memory.path(), shape, ids);
    fuzz::check(model);
    fuzz::expect(model.column_ids.size() == 0 || model.column_ids == ids, "ids are the data's");
  });
  return 0;
}
