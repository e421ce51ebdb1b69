#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "hourglass/core/error.h"
#include "hourglass/core/sha256.h"
#include "hourglass/model/safetensors.h"
#include "model/in_quotes.h"
#include "model/safetensors_header.h"

namespace hourglass {
namespace {

constexpr std::int64_t kLengthBytes = 8;
constexpr std::size_t kDigits = 64;

bool is_digest(std::string_view text) {
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

SafetensorsFile::SafetensorsFile(std::filesystem::path path, Checksum checksum)
    : path_(std::move(path)),
      // O_NONBLOCK: a pipe of that name must be refused below, not waited for.
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{}: {}", path_.string(), what));
  };
  if (!file_.is_open()) throw_file_error(path_, "read it", errno);
  struct stat status;
  if (::fstat(file_.get(), &status) != 0) throw_file_error(path_, "read it", errno);
  if (!S_ISREG(status.st_mode)) fail("not a regular file; name a safetensors file");
  const std::int64_t file_bytes = status.st_size;
  if (file_bytes < kLengthBytes) {
    fail(fmt::format("has {} bytes, too few for a safetensors file; copy or write it anew",
                     file_bytes));
  }

  unsigned char length_bytes[kLengthBytes];
  read_bytes(std::as_writable_bytes(std::span(length_bytes)), 0);
  std::uint64_t length = 0;
  for (int i = kLengthBytes - 1; i >= 0; --i) length = length << 8 | length_bytes[i];
  if (length > static_cast<std::uint64_t>(kMaxHeaderBytes) ||
      length > static_cast<std::uint64_t>(file_bytes - kLengthBytes)) {
    fail(
        fmt::format("says that its header has {} bytes, but the file has {} and the format allows "
                    "{}: it is damaged, cut short or not a safetensors file; copy or write it anew",
                    length, file_bytes, kMaxHeaderBytes));
  }
  data_offset_ = kLengthBytes + static_cast<std::int64_t>(length);

  // Piece by piece: a file with holes is large at no cost, and what it claims should have been there
  // before as much memory is had again.
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  std::string json;
  while (json.size() < length) {
    const std::size_t begin = json.size();
    json.resize(std::min<std::size_t>(length, begin + kPieceBytes));
    read_bytes(std::as_writable_bytes(std::span(json)).subspan(begin),
               kLengthBytes + static_cast<std::int64_t>(begin));
  }
  SafetensorsHeader header = parse_safetensors_header(json, file_bytes - data_offset_, path_);
  metadata_ = std::move(header.metadata);
  tensors_ = std::move(header.tensors);
  if (has_checksum()) {
    verify_checksum(json, file_bytes);
  } else if (checksum == Checksum::kRequired) {
    fail("has no checksum, so it is not a file of hourglass or it is damaged; write it anew");
  }
}

void SafetensorsFile::verify_checksum(std::string_view header, std::int64_t file_bytes) const {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{}: {}; copy or write it anew", path_.string(), what));
  };
  const std::string& stated = metadata_.find("sha256")->second;
  if (!is_digest(stated)) fail("its checksum sha256 is not 64 hex digits: the file is damaged");
  // The digits' place: no honest file states its own digest twice, nor escapes hex digits.
  const std::size_t place = header.find(stated);
  if (place == header.npos || header.find(stated, place + 1) != header.npos) {
    fail("its checksum sha256 does not stand once in the header: the file is damaged");
  }

  const std::size_t block_bytes =
      std::min(std::size_t{1} << 20, static_cast<std::size_t>(file_bytes - data_offset_));
  const auto block = std::make_unique_for_overwrite<std::byte[]>(block_bytes);
  Sha256 sha256;
  std::byte length[kLengthBytes];
  read_bytes(length, 0);
  sha256.update(length);
  sha256.update(header.substr(0, place));
  sha256.update(std::string(kDigits, '0'));
  sha256.update(header.substr(place + kDigits));
  for (std::int64_t offset = data_offset_; offset < file_bytes;) {
    const std::span<std::byte> bytes(
        block.get(), std::min(block_bytes, static_cast<std::size_t>(file_bytes - offset)));
    read_bytes(bytes, offset);
    sha256.update(bytes);
    offset += static_cast<std::int64_t>(bytes.size());
  }
  if (sha256.hex() != stated) {
    fail("its checksum does not match its content: the file is damaged");
  }
}

void SafetensorsFile::read_bytes(std::span<std::byte> bytes, std::int64_t file_offset) const {
  while (!bytes.empty()) {
    const ssize_t n =
        retry([&] { return ::pread(file_.get(), bytes.data(), bytes.size(), file_offset); });
    if (n < 0) throw_file_error(path_, "read it", errno);
    if (n == 0) {
      throw Error(
          fmt::format("{}: it became shorter while it was read; try again when no other "
                      "program writes it",
                      path_.string()));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    file_offset += n;
  }
}

const TensorInfo& SafetensorsFile::find(std::string_view name, DType dtype) const {
  const auto entry = tensors_.find(name);
  if (entry == tensors_.end()) {
    throw Error(
        fmt::format("{}: has no tensor {}; use a file that has", path_.string(), in_quotes(name)));
  }
  if (entry->second.dtype != dtype) {
    throw Error(fmt::format("{}: tensor {} is of {}, expected {}; convert it", path_.string(),
                            in_quotes(name), to_string(entry->second.dtype), to_string(dtype)));
  }
  return entry->second;
}

template <class T>
std::vector<T> SafetensorsFile::read(std::string_view name, DType dtype) const {
  const TensorInfo& tensor = find(name, dtype);
  std::vector<T> values(static_cast<std::size_t>(tensor.end - tensor.begin) / sizeof(T));
  read_bytes(std::as_writable_bytes(std::span(values)), data_offset_ + tensor.begin);
  return values;
}

std::vector<float> SafetensorsFile::read_f32(std::string_view name) const {
  return read<float>(name, DType::kF32);
}
std::vector<double> SafetensorsFile::read_f64(std::string_view name) const {
  return read<double>(name, DType::kF64);
}
std::vector<std::int32_t> SafetensorsFile::read_i32(std::string_view name) const {
  return read<std::int32_t>(name, DType::kI32);
}
std::vector<std::int64_t> SafetensorsFile::read_i64(std::string_view name) const {
  return read<std::int64_t>(name, DType::kI64);
}
std::vector<std::uint8_t> SafetensorsFile::read_u8(std::string_view name) const {
  return read<std::uint8_t>(name, DType::kU8);
}

void SafetensorsFile::read_f32(std::string_view name, std::span<float> values) const {
  const TensorInfo& tensor = find(name, DType::kF32);
  if (static_cast<std::int64_t>(values.size_bytes()) != tensor.end - tensor.begin) {
    throw std::invalid_argument("SafetensorsFile::read_f32: another number of elements");
  }
  read_bytes(std::as_writable_bytes(values), data_offset_ + tensor.begin);
}

}  // namespace hourglass
