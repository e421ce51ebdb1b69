#include "hourglass/data/npy.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/error_text.h"
#include "support/temp_folder.h"
#include "support/torch_test.h"

namespace hourglass::test {
namespace {

/// 0.5, 1.5, ...
std::vector<float> counted(std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) + 0.5f;
  return values;
}

TEST(Npy, ByteByByte) {
  const TempFolder folder;
  const std::vector<float> values = {1, -2.5f, 0};
  save_npy(folder / "m.npy", values, 1, 3);
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
  std::string wanted("\x93NUMPY\x01\x00\x76\x00", 10);  // 0x76: 118 + 10 = 128
  wanted += dictionary + std::string(118 - 1 - dictionary.size(), ' ') + '\n';
  wanted += std::string("\x00\x00\x80\x3F\x00\x00\x20\xC0\x00\x00\x00\x00", 12);
  EXPECT_EQ(file_bytes(folder / "m.npy"), wanted);
}

// The header grows with the digits of the shape; the data stays at a multiple of 64 bytes.
TEST(Npy, TheDataIsAlignedWhateverTheShape) {
  const TempFolder folder;
  for (const std::int64_t rows : {0, 1, 9, 10, 12345, 123456}) {
    const std::vector<float> values = counted(2 * rows);
    save_npy(folder / "m.npy", values, rows, 2);
    const std::string bytes = file_bytes(folder / "m.npy");
    const std::size_t header =
        static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]) + 10U;
    EXPECT_EQ(header % 64, 0U) << rows;
    EXPECT_EQ(bytes[header - 1], '\n') << rows;
    ASSERT_EQ(bytes.size(), header + 4 * values.size());
    std::vector<float> read(values.size());
    if (!read.empty()) std::memcpy(read.data(), bytes.data() + header, 4 * read.size());
    EXPECT_EQ(read, values);
  }
}

TEST(Npy, WholeOrNotAtAll) {
  const TempFolder folder;
  EXPECT_NE(
      error_text([&] { save_npy(folder / "none" / "m.npy", counted(6), 2, 3); }).find("m.npy"),
      std::string::npos);
  EXPECT_THROW(save_npy(folder / "m.npy", counted(5), 2, 3), std::invalid_argument);
  constexpr std::int64_t kMany = std::int64_t{1} << 62;  // times 4 is 0 in 64 bits
  EXPECT_THROW(save_npy(folder / "m.npy", {}, kMany, 4), std::invalid_argument);
  EXPECT_THROW(save_npy(folder / "m.npy", {}, -1, 0), std::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

class NpyInNumpy : public TorchTest {};  // whose Python has numpy

TEST_F(NpyInNumpy, Loads) {
  const TempFolder folder;
  for (const std::int64_t rows : {0, 1, 1000}) {
    save_npy(folder / "m.npy", counted(7 * rows), rows, 7);
    const Finished checked =
        run_python("tests/data/check_npy.py", {folder / "m.npy", std::to_string(rows), "7"});
    EXPECT_EQ(checked.status, 0) << checked.output;
  }
}

}  // namespace
}  // namespace hourglass::test
