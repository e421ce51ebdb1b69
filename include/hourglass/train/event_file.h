#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace hourglass {

class AppendFile;

/// Seconds since 1970. Times are only told, never used: tests put in their own.
using WallClock = std::function<double()>;

double wall_clock();

/// CRC-32C (Castagnoli, RFC 3720) of `bytes`.
std::uint32_t crc32c(std::string_view bytes);

/// Scalars by name at one step.
using Scalars = std::map<std::string, double, std::less<>>;

/// A TensorBoard event file: TFRecords (8 bytes length, masked CRC-32C of it, data, masked CRC-32C
/// of that) of protobuf Events, the first with file_version "brain.Event:2", the others with a
/// Summary of simple_values.
class EventFile {
 public:
  /// Opens `path` and keeps its events of steps 0 to `last_step`, up to the first damaged record;
  /// cuts off what follows. Throws Error where that cannot be done.
  EventFile(std::filesystem::path path, std::int64_t last_step, WallClock clock = wall_clock);
  EventFile(EventFile&&) noexcept;
  EventFile& operator=(EventFile&&) = delete;
  ~EventFile();

  /// Appends one event, whole or not at all. TensorBoard keeps the values as floats.
  void append(std::int64_t step, const Scalars& scalars);

  void sync();  ///< what was appended outlives a loss of power

 private:
  void append_event(std::string event);

  std::unique_ptr<AppendFile> file_;
  WallClock clock_;
};

}  // namespace hourglass
