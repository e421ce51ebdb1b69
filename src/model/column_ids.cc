#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "hourglass/core/error.h"
#include "hourglass/model/model_file.h"

namespace hourglass {
namespace {

/// Takes [ID, ...] with ID = "text" or {"hex": "42fc"}, without a tree: ids come by the million.
class ColumnIdsHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  IdList take() { return std::move(ids_); }

  bool start_array(std::size_t) override { return move(State::kBefore, State::kList); }
  bool end_array() override { return move(State::kList, State::kAfter); }
  bool start_object(std::size_t) override { return move(State::kList, State::kObject); }
  bool key(string_t& text) override { return text == "hex" && move(State::kObject, State::kHex); }
  bool end_object() override { return move(State::kObjectEnd, State::kList); }
  bool string(string_t& text) override {
    if (state_ == State::kList) {
      ids_.add(text);
      return true;
    }
    return move(State::kHex, State::kObjectEnd) && add_hex(text);
  }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool number_integer(number_integer_t) override { return false; }
  bool number_unsigned(number_unsigned_t) override { return false; }
  bool number_float(number_float_t, const string_t&) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  enum class State { kBefore, kList, kObject, kHex, kObjectEnd, kAfter };

  bool move(State from, State to) {
    if (state_ != from) return false;
    state_ = to;
    return true;
  }

  bool add_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return false;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      unsigned char byte = 0;
      const char* end = hex.data() + i + 2;
      if (std::from_chars(hex.data() + i, end, byte, 16).ptr != end) return false;
      bytes += static_cast<char>(byte);
    }
    ids_.add(bytes);
    return true;
  }

  State state_ = State::kBefore;
  IdList ids_;
};

}  // namespace

std::string column_ids_to_json(const IdList& ids) {
  std::string text = "[";
  for (std::int64_t i = 0; i < ids.size(); ++i) {
    if (i > 0) text += ',';
    try {
      text += nlohmann::json(ids[i]).dump();
    } catch (const nlohmann::json::exception&) {  // not UTF-8: a Latin-1 file's, say
      text += R"({"hex":")";
      for (const char byte : ids[i]) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
      }
      text += R"("})";
    }
  }
  return text + "]";
}

IdList column_ids_from_json(std::string_view text) {
  ColumnIdsHandler handler;
  // The parser takes a NUL for the end of the text and would ignore what follows it.
  if (text.find('\0') != text.npos || !nlohmann::json::sax_parse(text, &handler)) {
    throw Error("its column_ids are not a JSON array of ids");
  }
  return handler.take();
}

}  // namespace hourglass
