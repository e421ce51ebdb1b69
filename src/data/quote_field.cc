#include "hourglass/data/quote_field.h"

namespace hourglass {

void append_field(std::string& line, std::string_view field) {
  const bool plain = !field.empty() && field.find_first_of(",;\t\"\r\n") == field.npos &&
                     !field.starts_with("\xEF\xBB\xBF");
  if (plain) {
    line += field;
    return;
  }
  line += '"';
  for (const char c : field) line.append(c == '"' ? 2 : 1, c);
  line += '"';
}

}  // namespace hourglass
