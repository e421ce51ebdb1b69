// We write .npy and read none: what is written for any shape is a file that NumPy's format allows.
#include <cstring>
#include <vector>

#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "hourglass/data/npy.h"

namespace hourglass::fuzz {
namespace {

std::int64_t number(Input& input) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | input.byte();
  return static_cast<std::int64_t>(value);
}

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static const fuzz::MemoryFolder folder;
  fuzz::Input input(data, size);
  // One byte: small numbers, whose matrix is written. Else any: a shape that none can have.
  const bool small = (input.byte() & 1) == 0;
  const std::int64_t rows = small ? input.byte() : fuzz::number(input);
  const std::int64_t columns = small ? input.byte() % 8 : fuzz::number(input);
  std::vector<float> values(small ? static_cast<std::size_t>(rows * columns) : 0, 0.5F);
  if (!values.empty()) {
    std::memcpy(values.data(), input.rest().data(),
                std::min(input.rest().size(), values.size() * sizeof(float)));
  }
  try {
    save_npy(folder.path() / "f.npy", values, rows, columns);
  } catch (const std::invalid_argument&) {  // the caller's mistake
    fuzz::expect(!small, "values of that shape are written");
    return 0;
  }
  const std::string file = folder.read("f.npy");
  fuzz::expect(file.size() >= 10 && file.starts_with(std::string_view("\x93NUMPY\x01\x00", 8)),
               "it is NPY 1.0");
  const auto length =
      static_cast<unsigned char>(file[8]) + std::size_t{256} * static_cast<unsigned char>(file[9]);
  fuzz::expect((10 + length) % 64 == 0 && file.size() >= 10 + length, "data is aligned");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(columns) + "), }";
  header.resize(length - 1, ' ');
  fuzz::expect(file.substr(10, length) == header + "\n", "the header is as NumPy writes it");
  fuzz::expect(file.size() - 10 - length == values.size() * sizeof(float),
               "the values follow, and nothing else");
  fuzz::expect(values.empty() || std::memcmp(file.data() + 10 + length, values.data(),
                                             values.size() * sizeof(float)) == 0,
               "the values follow");
  return 0;
}
