// Two bytes of options, then deflate streams, made a gzip file whose checksums are right: past them
// there is all that a stranger's file can be, bombs too.
#include <zlib.h>

#include <string>

#include "fuzz/reading.h"

namespace hourglass::fuzz {
namespace {

constexpr std::size_t kMostText = std::size_t{1}
                                  << 16;  // what a larger bomb costs, tests/data says

/// The text of a deflate stream and how many bytes of it were taken; as far as it goes.
struct Inflated {
  std::string text;
  std::size_t taken = 0;
};

Inflated inflated(std::string_view deflated) {
  Inflated result;
  static z_stream stream = {};
  static const bool made = inflateInit2(&stream, -15) == Z_OK;
  expect(made && inflateReset(&stream) == Z_OK, "inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  int state = Z_OK;
  while (state == Z_OK && result.text.size() < kMostText) {
    char block[1 << 14];
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    state = ::inflate(&stream, Z_NO_FLUSH);
    result.text.append(block, sizeof block - stream.avail_out);
    if (stream.avail_out == sizeof block) break;
  }
  result.taken = deflated.size() - stream.avail_in;
  return result;
}

void append_little_endian(std::string& bytes, uLong value) {
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
}

/// A member of each deflate stream, of the first few; what follows is as it is.
std::string members(std::string_view deflated) {
  constexpr int kMostMembers = 4;
  std::string file;
  for (int n = 0; n < kMostMembers && !deflated.empty(); ++n) {
    const Inflated member = inflated(deflated);
    file.append("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);
    file += deflated.substr(0, member.taken);
    const auto* text = reinterpret_cast<const Bytef*>(member.text.data());
    append_little_endian(file, crc32(0, text, static_cast<uInt>(member.text.size())));
    append_little_endian(file, member.text.size());
    deflated.remove_prefix(member.taken);
  }
  return file.append(deflated);
}

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const ReadOptions options = fuzz::read_options(input, RatingsFormat::kAuto);
  fuzz::read_and_check(fuzz::members(input.rest()), 0, options, size > 1 ? data[1] : 0);
  return 0;
}
