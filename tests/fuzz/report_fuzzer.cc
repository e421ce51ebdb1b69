// A run's folder to report on: run.json, log.jsonl, evaluation-a.json, clusters.json and
// clusters.csv, a byte 0 between them; one that is empty is not there.
#include "hourglass/report/report.h"

#include "fuzz/files.h"
#include "fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static const fuzz::MemoryFolder folder;
  static const bool made = std::filesystem::create_directory(folder.path() / "k=8");
  fuzz::expect(made, "there is a folder");
  fuzz::Input input(data, size);
  for (const char* name :
       {"run.json", "k=8/log.jsonl", "evaluation-a.json", "clusters.json", "clusters.csv"}) {
    const std::string_view text = input.part('\0');
    if (text.empty()) {
      folder.remove(name);
    } else {
      folder.put(name, text);
    }
  }
  fuzz::refusal(size, [&] {
    const Report report = make_report(RunFolder::open(folder.path()));
    fuzz::expect(report.html.ends_with("</html>\n"), "the page is whole");
    for (const char* tag : {"<script", "<form", "<iframe", "<img", "<link", "<base"}) {
      fuzz::expect(report.html.find(tag) == report.html.npos, "no text becomes an element");
    }
    std::size_t metas = 0;  // three are the page's own
    for (auto at = report.html.find("<meta"); at != report.html.npos; ++metas) {
      at = report.html.find("<meta", at + 1);
    }
    fuzz::expect(metas == 3, "no text becomes an element");
  });
  return 0;
}
