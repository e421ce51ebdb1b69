// Ids, a byte 0 between them: written as fields and as JSON they read back as they were.
#include <algorithm>
#include <set>

#include "data/csv_fields.h"
#include "data/id_table.h"
#include "fuzz/harness.h"
#include "hourglass/data/quote_field.h"
#include "hourglass/model/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  fuzz::Input input(data, size);
  const char separator = ",\t;"[input.byte() % 3];
  fuzz::refusal(size, [&] {
    IdTable table;
    std::set<std::string_view> distinct;
    std::string line;
    IdList written;
    while (!input.empty()) {
      const std::string_view id = input.part('\0');
      if (written.size() > 0) line += separator;
      append_field(line, id);
      written.add(id);
      const auto [index, added] = table.insert(id);
      fuzz::expect(added == distinct.insert(id).second, "an id is new once");
      fuzz::expect(table.ids()[index] == id, "a number stands for its id");
    }
    if (written.size() == 0) return;
    line += '\n';

    CsvFields fields("line", nullptr, line, Separator{separator});
    fuzz::expect(fields.begin_record(), "there is a line");
    std::int64_t n = 0;
    do {
      fuzz::expect(n < written.size() && fields.next() == written[n], "a field reads back");
      ++n;
    } while (!fields.record_ended());
    fuzz::expect(n == written.size() && !fields.begin_record(), "there is one line of them");

    const IdList& ids = table.ids();
    fuzz::expect(column_ids_from_json(column_ids_to_json(ids)) == ids, "JSON reads back");
    std::vector<std::int32_t> order = table.sorted_order();
    fuzz::expect(order == sorted_order(ids), "there is one order");
    std::ranges::sort(order);
    for (std::size_t i = 0; i < order.size(); ++i) {
      fuzz::expect(order[i] == static_cast<std::int32_t>(i), "each id has a place");
    }
  });
  return 0;
}
