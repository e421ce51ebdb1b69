#include "hourglass/core/json_text.h"

#include <fmt/format.h>

#include <fstream>
#include <limits>
#include <string>
#include <system_error>

#include "hourglass/core/error.h"
#include "hourglass/core/file_descriptor.h"

namespace hourglass {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 24;
constexpr std::size_t kMaxValues = 400'000;  // of a hundred bytes and a half: 64 MB
constexpr int kMaxDepth = 32;

/// Reads without a tree, and counts. (A callback of json::parse could count as well, but with one
/// it walks through a list again at the end of each object in it.)
class Bounds : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool key(string_t&) override { return count(); }
  bool start_object(std::size_t) override { return begin(); }
  bool start_array(std::size_t) override { return begin(); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool count() {
    if (++n_values_ > kMaxValues) throw Error("has too many values to be ours");
    return true;
  }
  bool begin() {
    if (depth_++ >= kMaxDepth) throw Error("is nested too deep");
    return count();
  }
  bool end() {
    --depth_;
    return count();
  }

  std::size_t n_values_ = 0;
  int depth_ = 0;
};

template <class Fail>
std::string file_text(const std::filesystem::path& path, const Fail& fail) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) throw_file_error(path, "read it", error.value());  // a pipe, say: it would wait
  if (bytes > kMaxBytes) fail("is too large to be ours");
  std::string text(static_cast<std::size_t>(bytes), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    fail("cannot be read");
  }
  return text;
}

}  // namespace

nlohmann::json parse_json(std::string_view text) {
  if (text.size() > kMaxBytes) throw Error("is too large to be ours");
  // The parser takes a NUL for the end of the text and would ignore what follows it.
  if (text.find('\0') != text.npos) throw Error("is not JSON");
  Bounds bounds;
  if (!nlohmann::json::sax_parse(text, &bounds)) throw Error("is not JSON");
  return nlohmann::json::parse(text);
}

nlohmann::json read_json_object(const std::filesystem::path& path, std::string_view advice) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{}: {}; {}", path.string(), what, advice));
  };
  nlohmann::json json;
  const std::string text = file_text(path, fail);
  try {
    json = parse_json(text);
  } catch (const Error& error) {
    fail(error.what());
  }
  if (!json.is_object()) fail("is not a JSON object");
  return json;
}

std::int64_t whole_number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  const bool whole = found != object.end() && found->is_number_integer() &&
                     (!found->is_number_unsigned() ||
                      found->get<std::uint64_t>() <=
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!whole) throw Error(fmt::format("has no whole number \"{}\"", key));
  return found->get<std::int64_t>();
}

}  // namespace hourglass
