#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "hourglass/model/safetensors.h"
#include "support/error_text.h"
#include "support/temp_folder.h"

// Files that lie: each must be refused in one line, without a crash and without memory.
namespace hourglass {
namespace {

using std::string_literals::operator""s;
using test::error_text;
using test::file_bytes;
using test::put_bytes;
using test::TempFolder;

std::string with_length(const std::string& json, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(json.size() >> (8 * i));
  return bytes + json + data;
}

/// The refusal of a file of that header and data; empty where it is accepted.
std::string refusal(const std::string& json, const std::string& data = {}) {
  const TempFolder folder;
  put_bytes(folder / "t", with_length(json, data));
  try {
    SafetensorsFile file(folder / "t");
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string path = folder / "t";
    EXPECT_TRUE(text.starts_with(path + ": ")) << text;
    EXPECT_EQ(text.find('\n'), text.npos) << text;
    return text.substr(path.size() + 2);
  }
  return {};
}

std::string tensor(std::string_view name, std::string_view dtype, std::string_view shape,
                   std::string_view offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape,
                     offsets);
}

std::string object(std::string_view inside) { return fmt::format("{{{}}}", inside); }

TEST(HostileSafetensors, PlainFilesOfOthersAreAccepted) {
  const std::string data(16, '\1');
  EXPECT_EQ(refusal("{}"), "");
  EXPECT_EQ(refusal("{ }   "), "");
  EXPECT_EQ(refusal(object(tensor("w", "F32", "[2,2]", "[0,16]")), data), "");
  // Any order of tensors and keys, white space, empty tensors, dtypes that we only name.
  EXPECT_EQ(refusal(object(tensor("b", "BF16", "[4]", "[8,16]") + ",\n\t" +
                           R"("a":{"data_offsets":[0,8],"shape":[],"dtype":"I64"},)" +
                           tensor("e", "F32", "[3,0]", "[8,8]")),
                    data),
            "");
}

TEST(HostileSafetensors, LyingOffsetsAndShapes) {
  const std::string data(16, '\1');
  const auto one = [&](const std::string& shape, const std::string& offsets) {
    return refusal(object(tensor("w", "F32", shape, offsets)), data);
  };
  EXPECT_EQ(one("[4]", "[0,16]"), "");
  EXPECT_NE(one("[4]", "[0,12]"), "");
  EXPECT_NE(one("[3]", "[0,12]"), "") << "bytes that no tensor names";
  EXPECT_NE(one("[3]", "[4,16]"), "") << "a hole";
  EXPECT_NE(one("[5]", "[0,20]"), "") << "beyond the file";
  EXPECT_NE(one("[4]", "[16,0]"), "");
  EXPECT_NE(one("[4]", "[0,16,16]"), "");
  EXPECT_NE(one("[4]", "[0]"), "");
  EXPECT_NE(one("[4]", "[]"), "");
  EXPECT_NE(one("[-4]", "[0,16]"), "");
  EXPECT_NE(one("[4.0]", "[0,16]"), "");
  EXPECT_NE(one("[\"4\"]", "[0,16]"), "");
  EXPECT_NE(one("[[4]]", "[0,16]"), "");
  EXPECT_NE(one("4", "[0,16]"), "");
  EXPECT_NE(one("null", "[0,16]"), "");
  // Products that wrap round to 16 bytes in 64 bits.
  EXPECT_NE(one("[4611686018427387908]", "[0,16]"), "");
  EXPECT_NE(one("[4294967296,4294967296,4]", "[0,16]"), "");
  EXPECT_NE(one("[4294967297,4294967296]", "[0,16]"), "");
  EXPECT_NE(one("[18446744073709551615]", "[0,16]"), "");
  EXPECT_NE(one("[99999999999999999999999999]", "[0,16]"), "");
  EXPECT_NE(one("[4]", "[0,18446744073709551632]"), "");
  EXPECT_NE(one("[4]", "[9223372036854775807,9223372036854775807]"), "");
  EXPECT_NE(one(fmt::format("[{}]", std::string(200, '1')), "[0,16]"), "");
  std::string ones = "[4";
  for (int i = 0; i < 100; ++i) ones += ",1";
  EXPECT_NE(one(ones + "]", "[0,16]"), "");
}

TEST(HostileSafetensors, OverlapsAndHolesBetweenTensors) {
  const std::string data(16, '\1');
  const auto two = [&](const std::string& a, const std::string& b) {
    return refusal(object(tensor("a", "U8", "[8]", a) + "," + tensor("b", "U8", "[8]", b)), data);
  };
  EXPECT_EQ(two("[0,8]", "[8,16]"), "");
  EXPECT_EQ(two("[8,16]", "[0,8]"), "");
  EXPECT_NE(two("[0,8]", "[0,8]"), "");
  EXPECT_NE(two("[0,8]", "[7,15]"), "");
  EXPECT_NE(two("[0,8]", "[9,17]"), "");
}

TEST(HostileSafetensors, HeadersOfAnotherForm) {
  const std::string good = tensor("a", "U8", "[0]", "[0,0]");
  for (const std::string& json : {
           ""s,
           " {}"s,
           "[]"s,
           "null"s,
           "{"s,
           "{}{}"s,
           "{},"s,
           "{}\0{}"s,
           "{}\0"s,
           "\xef\xbb\xbf{}"s,
           "{\"a\":1}"s,
           "{\"a\":[]}"s,
           "{\"a\":\"x\"}"s,
           "{\"a\":{}}"s,
           "{\"a\":null}"s,
           "{\"a\":true}"s,
           "{\"a\":-1}"s,
           "{\"a\":1.5}"s,
           R"({"a":{"dtype":"U8","shape":[0]}})"s,
           R"({"a":{"dtype":"U8","data_offsets":[0,0]}})"s,
           R"({"a":{"shape":[0],"data_offsets":[0,0]}})"s,
           R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})"s,
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}})"s,
           R"({"a":{"dtype":"U9","shape":[0],"data_offsets":[0,0]}})"s,
           R"({"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}})"s,
           R"({"a":{"dtype":{"dtype":"U8"},"shape":[0],"data_offsets":[0,0]}})"s,
           object(good + "," + good),
           object(good + ","),
           R"({"__metadata__":{"k":1}})"s,
           R"({"__metadata__":{"k":null}})"s,
           R"({"__metadata__":{"k":{}}})"s,
           R"({"__metadata__":{"k":["v"]}})"s,
           R"({"__metadata__":[]})"s,
           R"({"__metadata__":"x"})"s,
           R"({"__metadata__":null})"s,
           R"({"__metadata__":{"k":"v","k":"w"}})"s,
           R"({"__metadata__":{},"__metadata__":{}})"s,
           "{\"__metadata__\":{\"k\":\"\xff\"}}"s,
           "{\"\xc3\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"s,
           R"({"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"s,
           "{\"a\nb\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"s,
       }) {
    EXPECT_NE(refusal(json), "") << json;
  }
  EXPECT_EQ(refusal(object(good)), "");
}

TEST(HostileSafetensors, ManyKeysAreRefused) {
  std::string json = R"({"__metadata__":{"k":"")";
  for (int i = 0; i < 10'000; ++i) json += ",\"" + std::to_string(i) + "\":\"\"";
  EXPECT_NE(refusal(json + "}}").find("over 10,000 metadata keys"), std::string::npos);
}

TEST(HostileSafetensors, LengthsThatAreNotTheFiles) {
  const TempFolder folder;
  const std::string path = folder / "t";
  const auto text = [&](const std::string& bytes) {
    put_bytes(path, bytes);
    return error_text([&] { SafetensorsFile file(path); });
  };
  EXPECT_EQ(text(""),
            path + ": has 0 bytes, too few for a safetensors file; copy or write it anew");
  EXPECT_NE(text(std::string(7, '\0')).find("has 7 bytes"), std::string::npos);
  EXPECT_NE(text(std::string(8, '\0')).find("not a JSON object"), std::string::npos);
  EXPECT_NE(text(std::string(8, '\xff')).find("header has 18446744073709551615 bytes"),
            std::string::npos);
  EXPECT_NE(text("\3\0\0\0\0\0\0\0{}"s).find("header has 3 bytes, but the file has 10"),
            std::string::npos);
  EXPECT_NE(text("PK\3\4 a zip file, as torch.save writes").find("not a safetensors file"),
            std::string::npos);
}

// A file of 8 GB, all of it a hole, says that its header has 4 GB: refused before any memory is
// had.
TEST(HostileSafetensors, HugeHeadersAndFilesCostNoMemory) {
  const TempFolder folder;
  put_bytes(folder / "t", "\0\0\0\0\1\0\0\0{}"s);
  std::error_code no_space;
  std::filesystem::resize_file(folder / "t", std::uintmax_t{8} << 30, no_space);
  if (no_space) GTEST_SKIP() << "skipped: no sparse files here";
  EXPECT_NE(error_text([&] { SafetensorsFile file(folder / "t"); }).find("the format allows"),
            std::string::npos);
}

TEST(HostileSafetensors, DeepNestingCostsNoMemory) {
  const std::string deep(20'000'000, '[');
  rusage before, after;
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_NE(refusal("{\"a\":" + deep), "");
  EXPECT_NE(refusal(R"({"__metadata__":{"a":)" + deep), "");
  ::getrusage(RUSAGE_SELF, &after);
  // The texts themselves take some 100 MB here; a JSON tree of them would take 16 times that.
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 320'000) << "kilobytes";
}

TEST(HostileSafetensors, OtherKindsOfFile) {
  const TempFolder folder;
  EXPECT_NE(error_text([&] { SafetensorsFile file(folder.path()); }).find("not a regular file"),
            std::string::npos);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_NE(error_text([&] { SafetensorsFile file(folder / "pipe"); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(error_text([] { SafetensorsFile file("/dev/zero"); }).find("not a regular file"),
            std::string::npos);
  EXPECT_EQ(error_text([&] { SafetensorsFile file(folder / "none"); }),
            (folder / "none").string() +
                ": cannot read it: No such file or directory; check the path, and that its "
                "folder exists");
}

/// A small file of ours.
std::string small_file() {
  const TempFolder folder;
  const std::vector<float> values = {1.0f, 2.0f, 3.0f};
  const std::vector<TensorView> tensors = {{"w", {3}, values}};
  save_safetensors(folder / "t", tensors, {{"k", "v"}});
  return file_bytes(folder / "t");
}

TEST(DamagedSafetensors, EveryChangedByteIsFound) {
  const TempFolder folder;
  const std::string good = small_file();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      put_bytes(folder / "t", bad);
      const std::string text =
          error_text([&] { SafetensorsFile file(folder / "t", Checksum::kRequired); });
      EXPECT_TRUE(text.starts_with((folder / "t").string() + ": ")) << text;
    }
  }
}

TEST(DamagedSafetensors, EveryTruncationAndExtensionIsFound) {
  const TempFolder folder;
  const std::string good = small_file();
  for (std::size_t n = 0; n < good.size(); ++n) {
    put_bytes(folder / "t", good.substr(0, n));
    error_text([&] { SafetensorsFile file(folder / "t"); });
  }
  put_bytes(folder / "t", good + '\0');
  error_text([&] { SafetensorsFile file(folder / "t"); });
  put_bytes(folder / "t", good);
  SafetensorsFile file(folder / "t", Checksum::kRequired);
  // Cut short while it is open.
  put_bytes(folder / "t", good.substr(0, good.size() - 1));
  EXPECT_NE(error_text([&] { file.read_f32("w"); }).find("became shorter"), std::string::npos);
}

TEST(DamagedSafetensors, ChecksumsOfAnotherForm) {
  const std::string digits(64, 'a');
  const std::string zeros(64, '0');
  EXPECT_NE(refusal(R"({"__metadata__":{"sha256":""}})").find("not 64 hex digits"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"__metadata__":{"sha256":"A)" + digits.substr(1) + "\"}}")
                .find("not 64 hex digits"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"__metadata__":{"sha256":")" + digits + "\"}}").find("does not match"),
            std::string::npos);
  // Digits that stand twice, or only as an escape, have no place to be set to zero.
  EXPECT_NE(refusal(R"({"__metadata__":{"k":")" + digits + R"(","sha256":")" + digits + "\"}}")
                .find("does not stand once"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"__metadata__":{"sha256":"\u0061)" + digits.substr(1) + "\"}}")
                .find("does not stand once"),
            std::string::npos);
}

TEST(DamagedSafetensors, AFileWithoutChecksumIsAcceptedUnlessOursIsDemanded) {
  const TempFolder folder;
  put_bytes(folder / "t", with_length("{}", ""));
  EXPECT_FALSE(SafetensorsFile(folder / "t").has_checksum());
  EXPECT_NE(error_text([&] {
              SafetensorsFile file(folder / "t", Checksum::kRequired);
            }).find("has no checksum"),
            std::string::npos);
}

}  // namespace
}  // namespace hourglass
