#include "fuzz/safetensors_text.h"

#include "hourglass/core/sha256.h"

namespace hourglass::fuzz {

std::string safetensors(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  file += header;
  file += data;
  return file;
}

void mend_checksum(std::string& file) {
  constexpr std::string_view kKey = "\"sha256\":\"";
  constexpr std::size_t kDigits = 64;
  const std::size_t place = file.find(kKey);
  if (place == file.npos || file.size() < place + kKey.size() + kDigits) return;
  file.replace(place + kKey.size(), kDigits, kDigits, '0');
  Sha256 sha256;
  sha256.update(file);
  file.replace(place + kKey.size(), kDigits, sha256.hex());
}

std::string safetensors_of(unsigned form, std::string_view bytes) {
  std::string file;
  if (form % 3 == 2) {
    const std::size_t end = bytes.find('\0');
    const bool has_data = end != bytes.npos;
    file = safetensors(bytes.substr(0, end), has_data ? bytes.substr(end + 1) : "");
  } else {
    file = bytes;
  }
  if (form % 3 != 0) mend_checksum(file);
  return file;
}

}  // namespace hourglass::fuzz
