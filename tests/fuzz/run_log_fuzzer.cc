// The records that --resume takes up: log.jsonl and an event file. One byte: the last epoch; one:
// whether the events are a file as it is, or events, a byte of length each, made records; then the
// log, a byte 0 and the events.
#include "hourglass/train/run_log.h"

#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "hourglass/train/event_file.h"

namespace hourglass::fuzz {
namespace {

constexpr const char* kEvents = "events.out.tfevents.hourglass";

void append_little_endian(std::string& bytes, std::uint64_t value, int n) {
  for (int i = 0; i < n; ++i) bytes += static_cast<char>(value >> (8 * i));
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/// TFRecords of events.
std::string records(Input input) {
  std::string file;
  while (!input.empty()) {
    const std::size_t size = input.byte();
    const std::string event(input.rest().substr(0, size));
    for (std::size_t i = 0; i < event.size(); ++i) input.byte();
    std::string length;
    append_little_endian(length, event.size(), 8);
    file += length;
    append_little_endian(file, masked(length), 4);
    file += event;
    append_little_endian(file, masked(event), 4);
  }
  return file;
}

double no_clock() { return 0; }

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static const fuzz::MemoryFolder folder;
  fuzz::Input input(data, size);
  const std::int64_t last = input.byte() % 64;
  const bool as_records = (input.byte() & 1) != 0;
  const std::string_view log = input.part('\0');
  const std::string events = as_records ? fuzz::records(input) : std::string(input.rest());
  folder.put("log.jsonl", log);
  folder.put(fuzz::kEvents, events);
  fuzz::refusal(log.size() + events.size(), [&] {
    std::int64_t n_epochs = 0;
    {
      RunLog opened = RunLog::open(folder.path(), last, fuzz::no_clock);
      n_epochs = opened.n_epochs();
      opened.epoch({.epoch = last + 1, .scalars = {{"more", 0.5}}});
      opened.finish();
    }
    fuzz::expect(n_epochs <= last, "no more epochs than were made");
    const std::string kept = folder.read("log.jsonl"), kept_events = folder.read(fuzz::kEvents);
    RunLog again = RunLog::open(folder.path(), last + 1, fuzz::no_clock);
    fuzz::expect(again.n_epochs() == n_epochs + 1, "what was kept is kept again");
    fuzz::expect(folder.read("log.jsonl") == kept && folder.read(fuzz::kEvents) == kept_events,
                 "and not changed");
  });
  return 0;
}
