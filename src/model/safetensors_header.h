#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "hourglass/model/safetensors.h"

namespace hourglass {

/// The JSON part of a safetensors file, checked.
struct SafetensorsHeader {
  Metadata metadata;
  TensorTable tensors;
};

/// Parses `json` and checks it against `data_bytes`, the size of the data part. `path` is for the
/// messages. Throws Error. Memory is a small multiple of json.size(), however hostile it is.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::int64_t data_bytes,
                                           const std::filesystem::path& path);

/// The format's dtype of that name; false where it is none that we know.
bool parse_dtype(std::string_view text, DType& dtype);

/// Bytes of a tensor; -1 where they overflow an int64. Every extent must be >= 0.
std::int64_t tensor_bytes(DType dtype, const Shape& shape);

}  // namespace hourglass
