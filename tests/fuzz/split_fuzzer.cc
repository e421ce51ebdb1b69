// Two bytes of options, then a file of ratings to hold out, of the same ids or not.
#include "cli/holdout.h"
#include "fuzz/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static fuzz::MemoryFile file;
  static const Ratings ratings = [] {
    file.put("id,a,b,c\n1,1,,3\n2,,2,\n3,4,5,6\n");
    return read_ratings(file.path());
  }();
  fuzz::Input input(data, size);
  const ReadOptions options = fuzz::read_options(input, RatingsFormat::kAuto);
  file.put(input.rest());
  fuzz::refusal(input.rest().size(), [&] {
    const HeldOut held = cli::hold_out_file(ratings, file.path(), options);
    for (const CsrMatrix* part : {&held.split.given, &held.split.hidden}) {
      Ratings whole = ratings;
      whole.matrix = *part;
      fuzz::check_ratings(whole, options);
    }
    fuzz::expect(held.n_unknown >= 0 && held.split.hidden.n_entries() > 0, "some are held out");
    fuzz::expect(held.split.given.n_entries() + held.n_removed == ratings.matrix.n_entries(),
                 "none is lost");
  });
  return 0;
}
