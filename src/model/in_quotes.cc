#include "model/in_quotes.h"

#include <nlohmann/json.hpp>

namespace hourglass {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxBytes = 80;
  const nlohmann::json shown =
      text.size() <= kMaxBytes ? std::string(text) : std::string(text.substr(0, kMaxBytes)) + "...";
  return shown.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace hourglass
