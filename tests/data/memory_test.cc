#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "data/reading.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

namespace hourglass::test {
namespace {

constexpr const char* kPathVariable = "HOURGLASS_TEST_READ";
constexpr const char* kResultVariable = "HOURGLASS_TEST_GROWTH";

// Bytes, of this program image alone: getrusage's peak would go on from the process before exec.
std::int64_t peak() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::int64_t kib = -1;
  while (status >> word) {
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return -1;
}

// Run by growth_of_reading in a process of its own.
TEST(MemoryChild, DISABLED_Reads) {
  const std::string path = std::getenv(kPathVariable);
  const std::int64_t before = peak();
  try {
    read_ratings(path);
  } catch (const Error&) {  // hostile files are refused; what they cost counts
  }
  std::ofstream(std::getenv(kResultVariable)) << peak() - before;
}

/// By how many bytes a process grows at most while it reads `path`. The process is a new one: a
/// mere fork would serve the reader from memory that earlier tests freed, and see too little.
std::int64_t growth_of_reading(const std::string& path) {
  const std::string result = path + ".growth";
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv(kPathVariable, path.c_str(), 1);
    ::setenv(kResultVariable, result.c_str(), 1);
    for (const char* inherited : {"GTEST_TOTAL_SHARDS", "GTEST_OUTPUT"}) ::unsetenv(inherited);
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(1);
    ::execl("/proc/self/exe", "data_test", "--gtest_filter=MemoryChild.DISABLED_Reads",
            "--gtest_also_run_disabled_tests", "--gtest_repeat=1", nullptr);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  std::int64_t growth = -1;
  std::ifstream(result) >> growth;
  EXPECT_GT(growth, 0) << "nothing was measured";
  return growth;
}

constexpr std::int64_t kMiB = 1 << 20;

class Memory : public Reading {
 protected:
  void SetUp() override {
    if (SANITIZED) GTEST_SKIP() << "skipped: a sanitizer's own memory is all one would see";
  }
  std::string path(const char* name) { return (folder_ / name).string(); }
};

/// A wide file, gzip, in pieces, so that we do not hold its text either. A rating in every column
/// whose distance from the row's number is a multiple of `every`.
void write_sparse(const std::filesystem::path& path, int rows, int columns, int every) {
  const gzFile file = gzopen(path.c_str(), "wb1");
  std::string line = "id";
  for (int c = 0; c < columns; ++c) line += "," + std::to_string(c);
  for (int r = 0; r <= rows; ++r) {
    line += '\n';
    gzwrite(file, line.data(), static_cast<unsigned>(line.size()));
    line = "r" + std::to_string(r);
    for (int c = 0; c < columns; ++c) line += (c + r) % every == 0 ? ",5" : ",";
  }
  gzclose(file);
}

TEST_F(Memory, GrowsWithTheRatingsNotWithTheCells) {
  // 200 MB of text, 800 MB as dense floats: 20,000 ratings.
  write_sparse(path("few"), 5000, 40000, 10000);
  const std::int64_t few = growth_of_reading(path("few"));
  EXPECT_LE(few, 16 * kMiB) << "blocks, 40,000 ids and 160 kB of ratings";
  // As many cells, with 2 million ratings: 8 bytes each, twice while a vector grows, and a half.
  write_sparse(path("more"), 5000, 40000, 100);
  const std::int64_t more = growth_of_reading(path("more"));
  // How much of the ring of blocks (6 of 256 KiB) is ever touched is up to the scheduler.
  constexpr std::int64_t kRing = 6 * 256 * 1024;
  EXPECT_LE(more - few, 2000000 * 8 * 5 / 2 + kRing);
  EXPECT_GE(more - few, 2000000 * 8 - kRing) << "the measurement sees nothing";
}

TEST_F(Memory, OfALongFileGrowsWithItsRatings) {
  std::string text = "user,item,rating\n";
  for (int i = 0; i < 1000000; ++i) {
    text += std::to_string(i % 1000) + "," + std::to_string(i / 1000) + ",5\n";
  }
  put_bytes(path("long"), text);
  // The text went through this process, so its peak would hide the child's: the child is forked
  // with our size of now, but with its own peak.
  const auto size = static_cast<std::int64_t>(text.size());
  text = std::string();
  EXPECT_LE(growth_of_reading(path("long")), 1000000 * 48 + 16 * kMiB) << "text: " << size;
}

TEST_F(Memory, HostileFilesCostLittle) {
  const std::int64_t n = 20 * kMiB;
  const auto cost = [&](const std::string& text) {
    put_bytes(path("f"), gzip(text, 1));
    return growth_of_reading(path("f"));
  };
  const auto limit = [&](const std::string& text) {
    return 10 * static_cast<std::int64_t>(text.size()) + 64 * kMiB;
  };
  for (const std::string& text : {std::string(n, ','), std::string(n, '\n'), std::string(n, '"'),
                                  std::string(n, 'x'), "id,a\nx," + std::string(n, ','),
                                  "id,a\nx,\"" + std::string(n, '\n'), std::string(n, ':')}) {
    EXPECT_LE(cost(text), 64 * kMiB) << text.substr(0, 10);
  }
  std::string ids = "id";  // nothing but ids: in the header
  for (int i = 0; i < 2000000; ++i) ids += "," + std::to_string(i);
  EXPECT_LE(cost(ids), limit(ids));
  std::string rows = "id,a";  // as rows
  for (int i = 0; i < 2000000; ++i) rows += "\n" + std::to_string(i * 37) + ",";
  EXPECT_LE(cost(rows), limit(rows));
  std::string lines;  // as pairs
  for (int i = 0; i < 2000000; ++i) lines += "\n" + std::to_string(i) + ",1,1";
  EXPECT_LE(cost(lines), limit(lines));
}

}  // namespace
}  // namespace hourglass::test
