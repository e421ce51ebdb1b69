// Two bytes of options, then a file of ratings, read as wide.
#include "fuzz/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const unsigned choice = size > 1 ? data[1] : 0;
  const ReadOptions options = fuzz::read_options(input, RatingsFormat::kWide);
  fuzz::read_and_check(input.rest(), input.rest().size(), options, choice);
  return 0;
}
