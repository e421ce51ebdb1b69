#include "model/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "hourglass/core/error.h"
#include "model/in_quotes.h"

namespace hourglass {
namespace {

struct DTypeRow {
  std::string_view name;
  std::int64_t bytes;
};

/// In the order of DType.
constexpr std::array<DTypeRow, 15> kDTypes = {{{"BOOL", 1},
                                               {"U8", 1},
                                               {"I8", 1},
                                               {"F8_E4M3", 1},
                                               {"F8_E5M2", 1},
                                               {"I16", 2},
                                               {"U16", 2},
                                               {"F16", 2},
                                               {"BF16", 2},
                                               {"I32", 4},
                                               {"U32", 4},
                                               {"F32", 4},
                                               {"I64", 8},
                                               {"U64", 8},
                                               {"F64", 8}}};

// A key of seven bytes costs a hundred in our tables: without bounds, 100 MB of header would cost
// gigabytes. No honest file comes near these.
constexpr std::size_t kMaxRank = 64;
constexpr std::size_t kMaxMetadataKeys = 10'000;
constexpr std::size_t kMaxTensors = 1'000'000;

/// Takes the header event by event, so that nothing is built that the format does not have: no deep
/// nesting, no silent overwriting of a key that appears twice (nlohmann's own tree allows both).
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderHandler(const std::filesystem::path& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool key(string_t& text) override {
    if (state_ == State::kHeader) {
      name_ = std::move(text);
      if (name_ == "__metadata__") {
        if (std::exchange(has_metadata_, true)) fail("\"__metadata__\" appears twice");
        state_ = State::kBeforeMetadata;
      } else {
        if (header_.tensors.contains(name_)) {
          fail(fmt::format("tensor {} appears twice", in_quotes(name_)));
        }
        if (header_.tensors.size() == kMaxTensors) fail("it has over a million tensors");
        state_ = State::kBeforeTensor;
      }
    } else if (state_ == State::kMetadata) {
      key_ = std::move(text);
      if (header_.metadata.contains(key_)) {
        fail(fmt::format("metadata key {} appears twice", in_quotes(key_)));
      }
      if (header_.metadata.size() == kMaxMetadataKeys) fail("it has over 10,000 metadata keys");
      state_ = State::kMetadataValue;
    } else if (text == "dtype" && !std::exchange(has_dtype_, true)) {
      state_ = State::kDType;
    } else if (text == "shape" && !std::exchange(has_shape_, true)) {
      state_ = State::kBeforeShape;
    } else if (text == "data_offsets" && !std::exchange(has_offsets_, true)) {
      state_ = State::kBeforeOffsets;
    } else {
      fail_tensor(fmt::format("has an unknown or repeated key {}", in_quotes(text)));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::kBeforeHeader:
        state_ = State::kHeader;
        return true;
      case State::kBeforeMetadata:
        state_ = State::kMetadata;
        return true;
      case State::kBeforeTensor:
        tensor_ = {};
        offsets_.clear();
        has_dtype_ = has_shape_ = has_offsets_ = false;
        state_ = State::kTensor;
        return true;
      default:
        misplaced("an object");
    }
  }

  bool end_object() override {
    if (state_ == State::kHeader) {
      state_ = State::kAfterHeader;
      return true;
    }
    if (state_ == State::kTensor) {
      if (!has_dtype_ || !has_shape_ || !has_offsets_) {
        fail_tensor("lacks dtype, shape or data_offsets");
      }
      header_.tensors.emplace(std::move(name_), std::move(tensor_));
    }
    state_ = State::kHeader;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ == State::kBeforeShape) {
      state_ = State::kShape;
    } else if (state_ == State::kBeforeOffsets) {
      state_ = State::kOffsets;
    } else {
      misplaced("an array");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::kOffsets) {
      if (offsets_.size() != 2) fail_tensor("has data_offsets that are not [begin, end]");
      tensor_.begin = offsets_[0];
      tensor_.end = offsets_[1];
    }
    state_ = State::kTensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kShape && state_ != State::kOffsets) misplaced("a number");
    Shape& list = state_ == State::kShape ? tensor_.shape : offsets_;
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      fail_tensor("has a number beyond 63 bits");
    }
    if (list.size() == kMaxRank) fail_tensor("has a list of over 64 numbers");
    list.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& text) override {
    if (state_ == State::kMetadataValue) {
      header_.metadata.emplace(std::move(key_), std::move(text));
      state_ = State::kMetadata;
    } else if (state_ == State::kDType) {
      if (!parse_dtype(text, tensor_.dtype)) {
        fail_tensor(fmt::format("has the unknown dtype {}", in_quotes(text)));
      }
      state_ = State::kTensor;
    } else {
      misplaced("a string");
    }
    return true;
  }

  bool null() override { misplaced("null"); }
  bool boolean(bool) override { misplaced("true or false"); }
  bool number_integer(number_integer_t) override { misplaced("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { misplaced("no whole number"); }
  bool binary(binary_t&) override { misplaced("binary data"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    fail(fmt::format("its header is not JSON in UTF-8 (at byte {} of the header)", position));
  }

 private:
  enum class State {
    kBeforeHeader,
    kHeader,
    kBeforeMetadata,
    kMetadata,
    kMetadataValue,
    kBeforeTensor,
    kTensor,
    kDType,
    kBeforeShape,
    kShape,
    kBeforeOffsets,
    kOffsets,
    kAfterHeader,
  };

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{}: {}: it is damaged or not a safetensors file; write it anew",
                            path_.string(), what));
  }
  [[noreturn]] void fail_tensor(std::string_view what) const {
    fail(fmt::format("tensor {} {}", in_quotes(name_), what));
  }
  [[noreturn]] void misplaced(std::string_view what) const {
    if (state_ == State::kBeforeHeader) fail("its header is not a JSON object");
    fail(fmt::format("its header has {} where none belongs, at {}", what, in_quotes(name_)));
  }

  const std::filesystem::path& path_;
  SafetensorsHeader header_;
  State state_ = State::kBeforeHeader;
  bool has_metadata_ = false;

  std::string name_;  ///< of the tensor, or "__metadata__"
  std::string key_;   ///< of the metadata
  TensorInfo tensor_ = {};
  Shape offsets_;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

/// Tensors must fill the data part, one after the other: then no two share a byte, and no byte
/// is hidden from who lists the tensors.
void check_layout(const TensorTable& tensors, std::int64_t data_bytes,
                  const std::filesystem::path& path) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{}: {}: it is damaged or cut short; copy or write it anew",
                            path.string(), what));
  };
  std::vector<const TensorTable::value_type*> by_offset;
  by_offset.reserve(tensors.size());
  for (const auto& entry : tensors) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, [](const auto* entry) {
    return std::pair(entry->second.begin, entry->second.end);
  });

  std::int64_t end = 0;
  for (const auto* entry : by_offset) {
    const auto& [name, tensor] = *entry;
    if (tensor.begin != end) {
      fail(fmt::format("tensor {} begins at byte {} of the data, expected {}", in_quotes(name),
                       tensor.begin, end));
    }
    const std::int64_t bytes = tensor_bytes(tensor.dtype, tensor.shape);
    if (bytes < 0 || tensor.end < tensor.begin || tensor.end - tensor.begin != bytes) {
      fail(fmt::format("tensor {} {} of {} does not fill its data_offsets [{}, {}]",
                       in_quotes(name), to_string(tensor.shape), to_string(tensor.dtype),
                       tensor.begin, tensor.end));
    }
    end = tensor.end;
    if (end > data_bytes) {
      fail(fmt::format("tensor {} ends at byte {} of the data, which has {}", in_quotes(name), end,
                       data_bytes));
    }
  }
  if (end != data_bytes) {
    fail(fmt::format("its tensors end at byte {} of the data, which has {}", end, data_bytes));
  }
}

}  // namespace

std::string_view to_string(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].name; }

std::int64_t element_bytes(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].bytes; }

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

bool parse_dtype(std::string_view text, DType& dtype) {
  const auto row = std::ranges::find(kDTypes, text, &DTypeRow::name);
  if (row == kDTypes.end()) return false;
  dtype = static_cast<DType>(row - kDTypes.begin());
  return true;
}

std::int64_t tensor_bytes(DType dtype, const Shape& shape) {
  // An extent of 0 anywhere makes the tensor empty, whatever the others would overflow to.
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  std::int64_t bytes = element_bytes(dtype);
  for (const std::int64_t extent : shape) {
    if (extent > std::numeric_limits<std::int64_t>::max() / bytes) return -1;
    bytes *= extent;
  }
  return bytes;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::int64_t data_bytes,
                                           const std::filesystem::path& path) {
  // The parser takes a NUL for the end of the text and would ignore what follows it.
  if (!json.starts_with('{') || json.find('\0') != json.npos) {
    throw Error(
        fmt::format("{}: its header is not a JSON object: it is damaged or not a "
                    "safetensors file; write it anew",
                    path.string()));
  }
  HeaderHandler handler(path);
  nlohmann::json::sax_parse(json, &handler);
  SafetensorsHeader header = handler.take();
  check_layout(header.tensors, data_bytes, path);
  return header;
}

}  // namespace hourglass
