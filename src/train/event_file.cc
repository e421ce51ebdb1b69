#include "hourglass/train/event_file.h"

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "train/append_file.h"

namespace hourglass {
namespace {

static_assert(std::endian::native == std::endian::little, "TFRecords are little-endian");

// tensorflow/core/util/event.proto and framework/summary.proto
constexpr int kEventWallTime = 1;     // double
constexpr int kEventStep = 2;         // int64
constexpr int kEventFileVersion = 3;  // string
constexpr int kEventSummary = 5;      // Summary
constexpr int kSummaryValue = 1;      // repeated Value
constexpr int kValueTag = 1;          // string
constexpr int kValueSimple = 2;       // float

// protobuf's wire types
constexpr int kVarint = 0;
constexpr int kFixed64 = 1;
constexpr int kBytes = 2;
constexpr int kFixed32 = 5;

constexpr std::array<std::uint32_t, 256> crc32c_table() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82f63b78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReflectedPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

/// TFRecord's: the CRC of data that holds CRCs would be weak, so they are rotated and shifted.
std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

template <class T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
T get_fixed(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, int field, int wire_type) {
  put_varint(out, static_cast<std::uint64_t>(field << 3 | wire_type));
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

/// Takes a varint off the front of `bytes`; nothing where it does not end.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  return {};
}

/// The step of an Event; 0 where it has none; nothing where `event` is no protobuf of ours.
std::optional<std::int64_t> step_of(std::string_view event) {
  std::int64_t step = 0;
  while (!event.empty()) {
    const auto key = take_varint(event);
    if (!key) return {};
    std::uint64_t bytes = 0;
    switch (*key & 7) {
      case kVarint: {
        const auto value = take_varint(event);
        if (!value) return {};
        if (*key >> 3 == kEventStep) step = static_cast<std::int64_t>(*value);
        break;
      }
      case kFixed64:
        bytes = 8;
        break;
      case kFixed32:
        bytes = 4;
        break;
      case kBytes: {
        const auto length = take_varint(event);
        if (!length) return {};
        bytes = *length;
        break;
      }
      default:
        return {};
    }
    if (bytes > event.size()) return {};
    event.remove_prefix(static_cast<std::size_t>(bytes));
  }
  return step;
}

constexpr std::size_t kRecordHead = 12;  // length and its CRC
constexpr std::size_t kRecordTail = 4;   // the data's CRC

/// Bytes of `content` up to the first record that is damaged or of a step after `last_step`.
std::size_t bytes_to_keep(std::string_view content, std::int64_t last_step) {
  std::size_t kept = 0;
  for (;;) {
    const std::string_view rest = content.substr(kept);
    if (rest.size() < kRecordHead + kRecordTail) return kept;
    const auto length = get_fixed<std::uint64_t>(rest);
    if (get_fixed<std::uint32_t>(rest.substr(8)) != masked_crc32c(rest.substr(0, 8)) ||
        length > rest.size() - kRecordHead - kRecordTail) {
      return kept;
    }
    const std::string_view event = rest.substr(kRecordHead, static_cast<std::size_t>(length));
    const std::string_view tail = rest.substr(kRecordHead + event.size());
    if (get_fixed<std::uint32_t>(tail) != masked_crc32c(event)) return kept;
    const auto step = step_of(event);
    if (!step || *step > last_step) return kept;
    kept += kRecordHead + event.size() + kRecordTail;
  }
}

}  // namespace

double wall_clock() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since_1970).count();
}

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc32c_table();
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~crc;
}

EventFile::EventFile(std::filesystem::path path, std::int64_t last_step, WallClock clock)
    : file_(std::make_unique<AppendFile>(std::move(path))), clock_(std::move(clock)) {
  const std::size_t kept = bytes_to_keep(file_->read(), last_step);
  file_->truncate(static_cast<std::int64_t>(kept));
  if (kept > 0) return;
  std::string event;
  put_bytes(event, kEventFileVersion, "brain.Event:2");
  append_event(std::move(event));
}

EventFile::EventFile(EventFile&&) noexcept = default;
EventFile::~EventFile() = default;

void EventFile::append(std::int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, scalar] : scalars) {
    std::string value;
    put_bytes(value, kValueTag, tag);
    put_key(value, kValueSimple, kFixed32);
    put_fixed(value, static_cast<float>(scalar));
    put_bytes(summary, kSummaryValue, value);
  }
  std::string event;
  put_key(event, kEventStep, kVarint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, kEventSummary, summary);
  append_event(std::move(event));
}

void EventFile::append_event(std::string event) {
  put_key(event, kEventWallTime, kFixed64);
  put_fixed(event, clock_());

  std::string record;
  put_fixed(record, static_cast<std::uint64_t>(event.size()));
  put_fixed(record, masked_crc32c(record));
  record += event;
  put_fixed(record, masked_crc32c(event));
  file_->append(record);
}

void EventFile::sync() { file_->sync(); }

}  // namespace hourglass
