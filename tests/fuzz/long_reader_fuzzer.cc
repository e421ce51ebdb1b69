// Two bytes of options and one of which columns are named, then a file of ratings: read as long, or
// as what it looks like.
#include "fuzz/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const unsigned choice = size > 1 ? data[1] : 0;
  ReadOptions options = fuzz::read_options(input, RatingsFormat::kLong);
  const unsigned names = input.byte();
  if ((names & 1) != 0) options.format = RatingsFormat::kAuto;
  if ((names & 2) != 0) options.row_column = input.part('\n');
  if ((names & 4) != 0) options.column_column = input.part('\n');
  if ((names & 8) != 0) options.value_column = input.part('\n');
  fuzz::read_and_check(input.rest(), input.rest().size(), options, choice);
  return 0;
}
