#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

// JSON that a stranger may have written. nlohmann's tree takes up to fifty times the memory of its
// text and its dump() a stack frame a level, so both are bounded here.
namespace hourglass {

/// The JSON of `text`, nothing behind it. Throws Error, without a place ("is not JSON"), for any
/// other text, for one of over 16 MiB or 400,000 values, keys and brackets, and for one nested
/// deeper than 32.
nlohmann::json parse_json(std::string_view text);

/// The JSON object in `path`. Throws Error: `PATH: what; advice`.
nlohmann::json read_json_object(const std::filesystem::path& path, std::string_view advice);

/// The whole number in object[key]. Throws Error, without a place, where it is missing, of another
/// type or beyond 64 bits: nlohmann would convert any number and true to whatever comes out.
std::int64_t whole_number(const nlohmann::json& object, const char* key);

}  // namespace hourglass
