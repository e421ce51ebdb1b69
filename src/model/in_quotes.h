#pragma once

#include <string>
#include <string_view>

namespace hourglass {

/// `text` from a file, fit to stand in a one-line message: in quotes, escaped, at most 80 bytes.
std::string in_quotes(std::string_view text);

}  // namespace hourglass
