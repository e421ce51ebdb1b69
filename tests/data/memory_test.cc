#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "data/reading.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

namespace hourglass::test {
namespace {

/// By how many bytes a process grows at most while it reads `path`; -1: it failed to.
std::int64_t growth_of_reading(const std::string& path) {
  // A child process, since a process's peak only ever rises. It starts from our own size, so that
  // is subtracted.
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto peak = [] {
      rusage usage = {};
      ::getrusage(RUSAGE_SELF, &usage);
      return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
    };
    const std::int64_t before = peak();
    std::int64_t growth = -1;
    try {
      read_ratings(path);
      growth = peak() - before;
    } catch (const Error&) {
      growth = peak() - before;  // hostile files are refused; what they cost counts
    }
    const ssize_t written = ::write(ends[1], &growth, sizeof growth);
    ::_exit(written == sizeof growth ? 0 : 1);
  }
  std::int64_t growth = -1;
  EXPECT_EQ(::read(ends[0], &growth, sizeof growth), static_cast<ssize_t>(sizeof growth));
  ::close(ends[0]);
  ::close(ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
  EXPECT_GE(few, 0);
  EXPECT_LE(few, 16 * kMiB) << "blocks, 40,000 ids and 160 kB of ratings";
  // As many cells, with 2 million ratings: 8 bytes each, twice while a vector grows, and a half.
  write_sparse(path("more"), 5000, 40000, 100);
  const std::int64_t more = growth_of_reading(path("more"));
  EXPECT_LE(more - few, 2000000 * 8 * 5 / 2);
  EXPECT_GE(more - few, 2000000 * 8) << "the measurement sees nothing";
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
