// Two bytes of options, then a file, whatever it is: the seeds are gzip's.
#include "fuzz/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const ReadOptions options = fuzz::read_options(input, RatingsFormat::kAuto);
  const bool packed = input.rest().starts_with("\x1F\x8B");
  fuzz::read_and_check(input.rest(), packed ? 0 : input.rest().size(), options,
                       size > 1 ? data[1] : 0);
  return 0;
}
