#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <stdexcept>

#include "hourglass/core/atomic_file.h"
#include "hourglass/core/error.h"
#include "hourglass/core/sha256.h"
#include "hourglass/model/safetensors.h"
#include "model/in_quotes.h"
#include "model/safetensors_header.h"

namespace hourglass {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

/// `text` as a JSON string. Throws Error where it is not UTF-8.
std::string json_string(std::string_view text, const std::filesystem::path& path) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(fmt::format("{}: cannot write {}: it is not UTF-8; rename it", path.string(),
                            in_quotes(text)));
  }
}

/// Positions of `tensors` in the order of the file.
std::vector<std::size_t> file_order(std::span<const TensorView> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t i) { return element_bytes(tensors[i].dtype); });
  return order;
}

void check_views(std::span<const TensorView> tensors, const std::filesystem::path& path) {
  std::set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    if (std::ranges::any_of(tensor.shape, [](std::int64_t extent) { return extent < 0; }) ||
        (!tensor.read && tensor_bytes(tensor.dtype, tensor.shape) !=
                             static_cast<std::int64_t>(tensor.bytes.size()))) {
      throw std::invalid_argument(fmt::format("tensor {} {} of {} has {} bytes",
                                              in_quotes(tensor.name), to_string(tensor.shape),
                                              to_string(tensor.dtype), tensor.bytes.size()));
    }
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      throw Error(fmt::format("{}: cannot write a tensor {}: the name is taken; rename it",
                              path.string(), in_quotes(tensor.name)));
    }
  }
}

constexpr std::string_view kBeforeDigits = R"({"__metadata__":{"sha256":")";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kDigits = 64;

/// The file up to its data: the 8 bytes of length and the JSON, with zeros for the checksum. It
/// ends at a multiple of 8.
std::string header_with_length(std::span<const TensorView> tensors,
                               const std::vector<std::size_t>& order, const Metadata& metadata,
                               const std::filesystem::path& path) {
  std::string header(kLengthBytes, '\0');
  header += kBeforeDigits;
  header.append(kDigits, '0');
  header += '"';
  for (const auto& [key, value] : metadata) {
    if (key == "sha256") throw std::invalid_argument("metadata sha256 is the file's own");
    header += fmt::format(",{}:{}", json_string(key, path), json_string(value, path));
  }
  header += '}';
  std::int64_t offset = 0;
  for (const std::size_t i : order) {
    const TensorView& tensor = tensors[i];
    const std::int64_t end = offset + tensor_bytes(tensor.dtype, tensor.shape);
    header += fmt::format(R"(,{}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                          json_string(tensor.name, path), to_string(tensor.dtype),
                          nlohmann::json(tensor.shape).dump(), offset, end);
    offset = end;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');

  const std::uint64_t length = header.size() - kLengthBytes;
  if (length > static_cast<std::uint64_t>(kMaxHeaderBytes)) {
    throw Error(
        fmt::format("{}: cannot write it: its names and ids take {} bytes, and safetensors "
                    "files allow {}; use shorter ids or fewer columns",
                    path.string(), length, kMaxHeaderBytes));
  }
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    header[i] = static_cast<char>(length >> (8 * i));
  }
  return header;
}

template <class T>
std::span<const std::byte> bytes_of(std::span<const T> values) {
  return std::as_bytes(values);
}

}  // namespace

TensorView::TensorView(std::string name_, Shape shape_, std::span<const float> values)
    : name(std::move(name_)),
      dtype(DType::kF32),
      shape(std::move(shape_)),
      bytes(bytes_of(values)) {}
TensorView::TensorView(std::string name_, Shape shape_, std::span<const double> values)
    : name(std::move(name_)),
      dtype(DType::kF64),
      shape(std::move(shape_)),
      bytes(bytes_of(values)) {}
TensorView::TensorView(std::string name_, Shape shape_, std::span<const std::int32_t> values)
    : name(std::move(name_)),
      dtype(DType::kI32),
      shape(std::move(shape_)),
      bytes(bytes_of(values)) {}
TensorView::TensorView(std::string name_, Shape shape_, std::span<const std::int64_t> values)
    : name(std::move(name_)),
      dtype(DType::kI64),
      shape(std::move(shape_)),
      bytes(bytes_of(values)) {}
TensorView::TensorView(std::string name_, Shape shape_, std::span<const std::uint8_t> values)
    : name(std::move(name_)),
      dtype(DType::kU8),
      shape(std::move(shape_)),
      bytes(bytes_of(values)) {}
TensorView::TensorView(std::string name_, DType dtype_, Shape shape_, ReadTensor read_)
    : name(std::move(name_)), dtype(dtype_), shape(std::move(shape_)), read(std::move(read_)) {}

void save_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const Metadata& metadata) {
  check_views(tensors, path);
  const auto order = file_order(tensors);
  const std::string header = header_with_length(tensors, order, metadata, path);

  AtomicFile file(path);
  Sha256 sha256;
  // A block is hashed and written while it is in the cache.
  constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  const auto append = [&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto block = bytes.first(std::min(kBlockBytes, bytes.size()));
      sha256.update(block);
      file.write(block);
      bytes = bytes.subspan(block.size());
    }
  };
  append(std::as_bytes(std::span(header)));
  std::vector<std::byte> block;
  for (const std::size_t i : order) {
    const TensorView& tensor = tensors[i];
    append(tensor.bytes);
    if (!tensor.read) continue;
    const std::int64_t size = tensor_bytes(tensor.dtype, tensor.shape);
    for (std::int64_t offset = 0; offset < size; offset += std::ssize(block)) {
      block.resize(std::min(kBlockBytes, static_cast<std::size_t>(size - offset)));
      tensor.read(offset, block);
      append(block);
    }
  }
  file.patch(static_cast<std::int64_t>(kLengthBytes + kBeforeDigits.size()), sha256.hex());
  file.commit();
}

}  // namespace hourglass
