#pragma once

#include <string>
#include <string_view>

namespace hourglass {

/// Appends a field of a CSV file (an id, a name) to `line`: as it is, or in quotes as RFC 4180 has
/// them where a reader would take it for something else: empty, with a separator, a quote or a line
/// break, or with a byte-order mark in front.
void append_field(std::string& line, std::string_view field);

}  // namespace hourglass
