// The JSON inside a model: its column ids and its network.
#include "fuzz/harness.h"
#include "hourglass/core/json_text.h"
#include "hourglass/model/model_file.h"
#include "hourglass/model/network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const bool network = (input.byte() & 1) != 0;
  const std::string_view text = input.rest();
  fuzz::refusal(text.size(), [&] {
    if (!network) {
      const IdList ids = column_ids_from_json(text);
      fuzz::expect(ids == column_ids_from_json(column_ids_to_json(ids)),
                   "ids are the same after a round trip");
      return;
    }
    const NetworkShape shape = network_from_json(parse_json(text));
    fuzz::expect(network_from_json(to_json(shape)) == shape, "a network likewise");
    fuzz::expect(shape.layers().size() == 2 * (shape.hidden.size() + 1), "it has its layers");
  });
  return 0;
}
