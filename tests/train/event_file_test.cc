#include "hourglass/train/event_file.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "event_reader.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::Event;
using test::EventReader;
using test::file_bytes;
using test::put_bytes;
using test::TempFolder;

std::vector<Event> events_in(const std::filesystem::path& path) {
  return EventReader(file_bytes(path)).all();
}

double fixed_clock() { return 1.5; }

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// RFC 3720, B.4, and the customary check value.
TEST(Crc32c, MatchesKnownValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

// Encoded by hand, in Python.
TEST(EventFile, TheBytesAreTensorBoards) {
  const TempFolder folder;
  EventFile file(folder / "e", 0, fixed_clock);
  file.append(300, {{"loss", 0.25}});
  EXPECT_EQ(
      file_bytes(folder / "e"),
      from_hex("1800000000000000a37f4b221a0d627261696e2e4576656e743a3209000000000000f83f4edda9"
               "9a1b000000000000001a0d9e1310ac022a0d0a0b0a046c6f7373150000803e09000000000000"
               "f83fed51d847"));
}

TEST(EventFile, AnIndependentReaderFindsWhatWasWritten) {
  const TempFolder folder;
  double now = 1e9;
  EventFile file(folder / "e", 0, [&] { return now++; });
  const std::int64_t big_step = std::int64_t{1} << 40;
  file.append(1, {{"loss", 0.1}, {"rows_per_second", 1e9}});
  file.append(2, {{"loss", std::numeric_limits<double>::infinity()}});
  file.append(big_step, {{std::string(300, 't'), -0.0}});
  file.append(big_step + 1, {});
  file.sync();

  const auto events = events_in(folder / "e");
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[0].wall_time, 1e9);
  EXPECT_EQ(events[1].step, 1);
  EXPECT_EQ(events[1].wall_time, 1e9 + 1);
  EXPECT_EQ(events[1].scalars,
            (std::map<std::string, float>{{"loss", 0.1f}, {"rows_per_second", 1e9f}}));
  EXPECT_EQ(events[2].scalars.at("loss"), std::numeric_limits<float>::infinity());
  EXPECT_EQ(events[3].step, big_step);
  EXPECT_EQ(events[3].scalars.begin()->first, std::string(300, 't'));
  EXPECT_TRUE(events[4].scalars.empty());
}

TEST(EventFile, ResumesAfterAStep) {
  const TempFolder folder;
  {
    EventFile file(folder / "e", 0, fixed_clock);
    for (int step = 1; step <= 9; ++step) file.append(step, {{"loss", step}});
  }
  {
    EventFile file(folder / "e", 6, fixed_clock);
    file.append(7, {{"loss", 70}});
  }
  const auto events = events_in(folder / "e");
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[6].step, 6);
  EXPECT_EQ(events[7].step, 7);
  EXPECT_EQ(events[7].scalars.at("loss"), 70.0f);

  EventFile anew(folder / "e", 0, fixed_clock);
  EXPECT_EQ(events_in(folder / "e").size(), 1u);
}

// A power cut may leave any prefix, and any byte of the last block as it likes.
TEST(EventFile, CutsOffWhatIsTornOrDamaged) {
  const TempFolder folder;
  {
    EventFile file(folder / "e", 0, fixed_clock);
    for (int step = 1; step <= 3; ++step) file.append(step, {{"loss", step}});
  }
  const std::string good = file_bytes(folder / "e");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    for (const std::string& bytes : {good.substr(0, i), damaged}) {
      put_bytes(folder / "e", bytes);
      {
        EventFile file(folder / "e", 3, fixed_clock);
        file.append(4, {});
      }
      const auto events = events_in(folder / "e");  // throws where a record is torn
      ASSERT_GE(events.size(), 2u);
      EXPECT_EQ(events.front().file_version, "brain.Event:2");
      EXPECT_EQ(events.back().step, 4);
      EXPECT_LE(events.size(), 4u);
    }
  }
}

TEST(EventFile, RefusesOtherKindsOfFileAndASecondWriter) {
  const TempFolder folder;
  EXPECT_NE(error_text([&] { EventFile file(folder.path(), 0); }).find("Is a directory"),
            std::string::npos);
  EXPECT_NE(error_text([] { EventFile file("/dev/null", 0); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(error_text([&] { EventFile file(folder / "none/e", 0); }).find("No such file"),
            std::string::npos);
  EventFile first(folder / "e", 0);
  EXPECT_NE(error_text([&] { EventFile second(folder / "e", 0); }).find("another program"),
            std::string::npos);
}

}  // namespace
}  // namespace hourglass
