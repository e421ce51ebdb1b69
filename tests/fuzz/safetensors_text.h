#pragma once

#include <string>
#include <string_view>

namespace hourglass::fuzz {

/// A safetensors file of that header and data.
std::string safetensors(std::string_view header, std::string_view data);

/// Makes the checksum in `file` right, where it has one: no fuzzer would get past it.
void mend_checksum(std::string& file);

/// Three forms, by one byte in front: 0, a file as it is; 1, with its checksum mended; 2, a header,
/// a byte 0 and data, put together and the checksum mended.
std::string safetensors_of(unsigned form, std::string_view bytes);

}  // namespace hourglass::fuzz
