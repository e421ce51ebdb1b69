#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hourglass/core/file_descriptor.h"

// The safetensors format (huggingface/safetensors): 8 bytes little-endian n, n bytes of JSON, data.
// The JSON maps each tensor's name to {"dtype", "shape", "data_offsets": [begin, end)} and
// "__metadata__" to an object of strings. Tensors are dense, row-major, without holes or overlap.
//
// Ours carry a checksum: the metadata's "sha256" is the SHA-256 of the whole file, in which these
// 64 digits themselves count as '0'.
namespace hourglass {

// clang-format off
enum class DType {
  kBool, kU8, kI8, kF8E4M3, kF8E5M2, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kI64, kU64, kF64,
};
// clang-format on

std::string_view to_string(DType dtype);  ///< the format's: "F32"
std::int64_t element_bytes(DType dtype);

using Shape = std::vector<std::int64_t>;  ///< empty: a scalar

std::string to_string(const Shape& shape);  ///< "[128, 1000]"

using Metadata = std::map<std::string, std::string, std::less<>>;

/// Fills `bytes` with those of a tensor from `offset` on.
using ReadTensor = std::function<void(std::int64_t offset, std::span<std::byte> bytes)>;

/// A tensor to write: the caller's memory, never copied, or what `read` gives, asked for block by
/// block while the file is written (memory of a device need not fit into the host's).
struct TensorView {
  TensorView(std::string name, Shape shape, std::span<const float> values);
  TensorView(std::string name, Shape shape, std::span<const double> values);
  TensorView(std::string name, Shape shape, std::span<const std::int32_t> values);
  TensorView(std::string name, Shape shape, std::span<const std::int64_t> values);
  TensorView(std::string name, Shape shape, std::span<const std::uint8_t> values);
  TensorView(std::string name, DType dtype, Shape shape, ReadTensor read);

  std::string name;
  DType dtype;
  Shape shape;                       ///< its product is the number of elements
  std::span<const std::byte> bytes;  ///< little-endian, row-major; empty where `read` is set
  ReadTensor read;
};

/// The format's limit on its JSON part, and ours.
inline constexpr std::int64_t kMaxHeaderBytes = 100'000'000;

/// Writes a file of ours, with its checksum, whole or not at all (AtomicFile). Wide elements come
/// first, as the safetensors crate has it, so that each tensor is aligned to its elements.
/// `metadata` must not have "sha256". Throws Error for what the disk or the format refuses: a
/// header beyond kMaxHeaderBytes, a name that is not UTF-8 or appears twice.
void save_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const Metadata& metadata);

/// Where a tensor lies in a file.
struct TensorInfo {
  DType dtype;
  Shape shape;
  std::int64_t begin, end;  ///< bytes of the data part: [begin, end)
};

using TensorTable = std::map<std::string, TensorInfo, std::less<>>;

enum class Checksum {
  kIfPresent,  ///< verify it where the file has one: files by PyTorch and others have none
  kRequired,   ///< the file must be ours
};

/// An open safetensors file. Opening checks everything that the header says against the file and
/// the checksum; tensors are read when asked for. What is wrong throws an Error in one line:
/// `PATH: what, and what to do`. Nothing is allocated that the file's size does not bear out.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path path, Checksum checksum = Checksum::kIfPresent);

  const std::filesystem::path& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }  ///< with "sha256" where there is one
  const TensorTable& tensors() const { return tensors_; }
  bool has_checksum() const { return metadata_.contains("sha256"); }

  /// Elements of one tensor in row-major order. Error where it is missing or of another dtype.
  std::vector<float> read_f32(std::string_view name) const;
  std::vector<double> read_f64(std::string_view name) const;
  std::vector<std::int32_t> read_i32(std::string_view name) const;
  std::vector<std::int64_t> read_i64(std::string_view name) const;
  std::vector<std::uint8_t> read_u8(std::string_view name) const;

  /// The same into the caller's memory: as many floats as the tensor has.
  void read_f32(std::string_view name, std::span<float> values) const;

 private:
  const TensorInfo& find(std::string_view name, DType dtype) const;
  template <class T>
  std::vector<T> read(std::string_view name, DType dtype) const;
  void read_bytes(std::span<std::byte> bytes, std::int64_t file_offset) const;
  void verify_checksum(std::string_view header, std::int64_t file_bytes) const;

  std::filesystem::path path_;
  FileDescriptor file_;
  Metadata metadata_;
  TensorTable tensors_;
  std::int64_t data_offset_ = 0;  ///< bytes before the data part
};

}  // namespace hourglass
