#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

// Reads TensorBoard event files for tests. It shares no code with src/train/event_file.cc: the CRC
// goes bit by bit, the fields are taken in any order.
namespace hourglass::test {

struct Event {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string file_version;
  std::map<std::string, float> scalars;
};

class EventReader {
 public:
  explicit EventReader(std::string bytes) : bytes_(std::move(bytes)) {}

  std::vector<Event> all() {
    std::vector<Event> events;
    while (position_ < bytes_.size()) events.push_back(next());
    return events;
  }

 private:
  struct Field {
    std::uint64_t number = 0;
    std::uint64_t varint = 0;
    std::string bytes;  // of a fixed or length-delimited field
  };

  static std::uint32_t masked_crc(const std::string& bytes) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (const char byte : bytes) {
      crc ^= static_cast<unsigned char>(byte);
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78u);
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  }

  template <class T>
  static T as(const std::string& bytes) {
    if (bytes.size() != sizeof(T)) throw std::runtime_error("a field of another width");
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  std::string take(std::size_t n) {
    if (bytes_.size() - position_ < n) throw std::runtime_error("a torn record");
    position_ += n;
    return bytes_.substr(position_ - n, n);
  }

  std::string take_record() {
    const std::string length = take(8);
    if (as<std::uint32_t>(take(4)) != masked_crc(length)) throw std::runtime_error("length's CRC");
    std::string data = take(as<std::uint64_t>(length));
    if (as<std::uint32_t>(take(4)) != masked_crc(data)) throw std::runtime_error("data's CRC");
    return data;
  }

  static std::vector<Field> fields(const std::string& message) {
    std::size_t at = 0;
    const auto varint = [&] {
      std::uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(message.at(at++));
        value |= static_cast<std::uint64_t>(byte & 127) << shift;
        if (byte < 128) return value;
      }
    };
    std::vector<Field> found;
    while (at < message.size()) {
      const std::uint64_t key = varint();
      Field field{.number = key >> 3, .varint = 0, .bytes = {}};
      const std::uint64_t type = key & 7;
      if (type == 0) {
        field.varint = varint();
      } else {
        const std::size_t n = type == 1 ? 8 : type == 5 ? 4 : varint();
        if (message.size() - at < n) throw std::runtime_error("a torn field");
        field.bytes = message.substr(at, n);
        at += n;
      }
      found.push_back(field);
    }
    return found;
  }

  Event next() {
    Event event;
    for (const Field& field : fields(take_record())) {
      if (field.number == 1) event.wall_time = as<double>(field.bytes);
      if (field.number == 2) event.step = static_cast<std::int64_t>(field.varint);
      if (field.number == 3) event.file_version = field.bytes;
      if (field.number != 5) continue;
      for (const Field& value : fields(field.bytes)) {
        std::string tag;
        float simple_value = 0;
        for (const Field& part : fields(value.bytes)) {
          if (part.number == 1) tag = part.bytes;
          if (part.number == 2) simple_value = as<float>(part.bytes);
        }
        event.scalars[tag] = simple_value;
      }
    }
    return event;
  }

  std::string bytes_;
  std::size_t position_ = 0;
};

}  // namespace hourglass::test
