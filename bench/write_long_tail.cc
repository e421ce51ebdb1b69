// Writes a long-tail matrix as a long file of ratings: bench_long_tail ROWS COLUMNS MEAN FILE
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <memory>

#include "bench/long_tail.h"
#include "hourglass/core/error.h"

namespace hourglass::bench {
namespace {

void write(const CsrMatrix& ratings, const char* path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "w"), std::fclose);
  if (file == nullptr) throw Error(fmt::format("{}: cannot be written", path));
  fmt::memory_buffer text;
  const auto flush = [&] {
    if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) {
      throw Error(fmt::format("{}: cannot be written", path));
    }
    text.clear();
  };
  fmt::format_to(std::back_inserter(text), "user,item,rating\n");
  for (std::int64_t row = 0; row < ratings.n_rows; ++row) {
    const auto columns = ratings.row_columns(row);
    const auto values = ratings.row_values(row);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fmt::format_to(std::back_inserter(text), "{},{},{:.0f}\n", row, columns[i], values[i]);
    }
    if (text.size() > std::size_t{1} << 16) flush();
  }
  flush();
  if (std::fflush(file.get()) != 0) throw Error(fmt::format("{}: cannot be written", path));
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  using namespace hourglass;
  try {
    if (argc != 5) throw Error("usage: bench_long_tail ROWS COLUMNS MEAN FILE");
    const CsrMatrix ratings =
        bench::long_tail_ratings({.rows = std::strtoll(argv[1], nullptr, 10),
                                  .columns = std::strtoll(argv[2], nullptr, 10),
                                  .mean = std::strtod(argv[3], nullptr)});
    bench::write(ratings, argv[4]);
    fmt::print("{} rows, {} columns, {} ratings\n", ratings.n_rows, ratings.n_columns,
               ratings.n_entries());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_long_tail: {}\n", error.what());
    return 1;
  }
}
