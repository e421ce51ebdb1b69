#include "hourglass/model/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "hourglass/core/sha256.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::error_text;
using test::file_bytes;
using test::put_bytes;
using test::TempFolder;

template <class T>
std::vector<T> ramp(std::size_t n, T step) {
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<T>(static_cast<T>(i) * step);
  return values;
}

TEST(Safetensors, EveryDtypeAndShapeComesBack) {
  const TempFolder folder;
  const auto bytes = ramp<std::uint8_t>(257, 3);
  const auto floats = ramp<float>(33 * 31, -0.37f);
  const auto doubles = ramp<double>(7, 1e300);
  const auto ints = ramp<std::int32_t>(32, -60'000'000);
  const auto longs = ramp<std::int64_t>(2, std::numeric_limits<std::int64_t>::min());
  const std::vector<float> scalar = {-0.0f};
  const std::vector<float> none;
  const std::vector<TensorView> tensors = {
      {"bytes", {257}, bytes},      {"floats", {33, 31}, floats},
      {"doubles", {1, 7}, doubles}, {"ints", {2, 2, 2, 2, 2}, ints},
      {"longs", {2}, longs},        {"scalar", {}, scalar},
      {"empty", {0, 5}, none},      {"a \"name\"\n\xc3\xbc", {0}, none}};
  const Metadata metadata = {{"k", "v"}, {"json", R"(["a", "\\"])"}, {"", ""}};
  save_safetensors(folder / "t", tensors, metadata);

  for (const Checksum checksum : {Checksum::kIfPresent, Checksum::kRequired}) {
    const SafetensorsFile file(folder / "t", checksum);
    EXPECT_EQ(file.tensors().size(), tensors.size());
    for (const TensorView& tensor : tensors) {
      const TensorInfo& info = file.tensors().at(tensor.name);
      EXPECT_EQ(info.shape, tensor.shape);
      EXPECT_EQ(info.dtype, tensor.dtype);
      // What a reader that maps the file relies on.
      EXPECT_EQ(info.begin % element_bytes(info.dtype), 0) << tensor.name;
    }
    EXPECT_EQ(file.read_u8("bytes"), bytes);
    EXPECT_EQ(file.read_f32("floats"), floats);
    EXPECT_EQ(file.read_f64("doubles"), doubles);
    EXPECT_EQ(file.read_i32("ints"), ints);
    EXPECT_EQ(file.read_i64("longs"), longs);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(file.read_f32("scalar").at(0)), 0x80000000u);
    EXPECT_TRUE(file.read_f32("empty").empty());
    std::vector<float> into(floats.size());
    file.read_f32("floats", into);
    EXPECT_EQ(into, floats);
    EXPECT_THROW(file.read_f32("scalar", into), std::invalid_argument);
    Metadata read = file.metadata();
    EXPECT_EQ(read.erase("sha256"), 1u);
    EXPECT_EQ(read, metadata);
  }
}

TEST(Safetensors, TheBytesAreTheFormats) {
  const TempFolder folder;
  const std::vector<float> values = {1.0f, -2.0f};
  const std::vector<TensorView> tensors = {{"w", {2}, values}};
  save_safetensors(folder / "t", tensors, {{"format", "pt"}});
  const std::string text = file_bytes(folder / "t");

  std::string digits = text.substr(8 + 27, 64);
  std::string json = R"({"__metadata__":{"sha256":")" + digits +
                     R"(","format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string expected(8, '\0');
  expected[0] = static_cast<char>(json.size());
  expected += json;
  expected += std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);
  EXPECT_EQ(text, expected);
  EXPECT_EQ((8 + json.size()) % 8, 0u);

  std::string zeroed = text;
  zeroed.replace(8 + 27, 64, std::string(64, '0'));
  Sha256 sha256;
  sha256.update(zeroed);
  EXPECT_EQ(digits, sha256.hex());
}

TEST(Safetensors, TheSameContentMakesTheSameFile) {
  const TempFolder folder;
  const auto values = ramp<float>(1'000'000, 0.5f);  // several blocks
  const std::vector<TensorView> tensors = {{"w", {1000, 1000}, values}};
  save_safetensors(folder / "a", tensors, {});
  save_safetensors(folder / "b", tensors, {});
  EXPECT_TRUE(file_bytes(folder / "a") == file_bytes(folder / "b"));
  EXPECT_EQ(SafetensorsFile(folder / "a").read_f32("w"), values);
}

TEST(Safetensors, MayHoldNothing) {
  const TempFolder folder;
  save_safetensors(folder / "t", {}, {});
  EXPECT_TRUE(SafetensorsFile(folder / "t").tensors().empty());
}

TEST(Safetensors, AskingForWhatIsNotThereIsAnError) {
  const TempFolder folder;
  const std::vector<float> values = {1.0f};
  const std::vector<TensorView> tensors = {{"w", {1}, values}};
  save_safetensors(folder / "t", tensors, {});
  const SafetensorsFile file(folder / "t");
  const std::string path = folder / "t";
  EXPECT_EQ(error_text([&] { file.read_f32("v\n"); }),
            path + ": has no tensor \"v\\n\"; use a file that has");
  EXPECT_EQ(error_text([&] { file.read_i64("w"); }),
            path + ": tensor \"w\" is of F32, expected I64; convert it");
}

TEST(Safetensors, WhatTheFormatForbidsIsNotWritten) {
  const TempFolder folder;
  put_bytes(folder / "t", "old");
  const std::vector<float> values = {1.0f};
  const auto refusal = [&](std::vector<TensorView> tensors, Metadata metadata) {
    return error_text([&] { save_safetensors(folder / "t", tensors, metadata); });
  };
  EXPECT_NE(refusal({{"w\xff", {1}, values}}, {}).find("is not UTF-8"), std::string::npos);
  EXPECT_NE(refusal({{"w", {1}, values}}, {{"k", "\xff"}}).find("is not UTF-8"), std::string::npos);
  EXPECT_NE(refusal({{"w", {1}, values}, {"w", {1}, values}}, {}).find("the name is taken"),
            std::string::npos);
  EXPECT_NE(refusal({{"__metadata__", {1}, values}}, {}).find("the name is taken"),
            std::string::npos);
  EXPECT_NE(refusal({}, {{"k", std::string(100'000'000, 'x')}}).find("files allow 100000000"),
            std::string::npos);
  const std::vector<TensorView> wrong = {{"w", {2}, values}};
  EXPECT_THROW(save_safetensors(folder / "t", wrong, {}), std::invalid_argument);
  EXPECT_THROW(save_safetensors(folder / "t", {}, {{"sha256", ""}}), std::invalid_argument);
  EXPECT_EQ(file_bytes(folder / "t"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder / ".t.tmp"));
}

}  // namespace
}  // namespace hourglass
