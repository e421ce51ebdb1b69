#include "cli/run_record.h"

#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/model/network.h"

namespace hourglass::cli {

void require_record_of_run(const nlohmann::json& record, const std::filesystem::path& path) {
  const auto fail = [&](const char* what) { throw Error(path.string() + ": " + what); };
  const char* const kind = "is not as hourglass writes it; train anew into another folder";
  try {
    const auto options = record.value("options", nlohmann::json());
    const auto data = record.value("data", nlohmann::json());
    if (!options.is_object() || !data.is_object()) {
      fail("tells no options or no data, so the run cannot go on; train anew into another folder");
    }
    for (const char* key : {"device", "math", "outcome"}) record.value(key, "");
    record.value("seconds", 0.0);
    for (const char* key : {"path", "sha256"}) data.value(key, "");
    record.value("holdout", nlohmann::json::object()).value("sha256", "");
    for (const nlohmann::json& k : options.value("bottleneck", nlohmann::json::array())) {
      // Another number would be converted to whatever comes out.
      if (!k.is_number_integer() || k < 1 || k > kMaxWidth) fail(kind);
    }
    options.value("bottleneck", std::vector<int>{});
  } catch (const nlohmann::json::exception&) {
    fail(kind);
  }
}

}  // namespace hourglass::cli
