#include "bench/cpu_cases.h"

#include "bench/long_tail.h"
#include "hourglass/core/error.h"
#include "hourglass/data/read_ratings.h"
#include "hourglass/data/synthetic.h"

namespace hourglass::bench {

CpuCase CpuCase::named(const std::string& name, const nlohmann::json& cases) {
  std::string known;
  for (const nlohmann::json& json : cases) {
    if (json.at("case") == name) {
      const bool all = json.at("objective") == "all";
      return {.name = name,
              .ratings = json.at("ratings"),
              .rows = json.value("rows", std::int64_t{0}),
              .columns = json.value("columns", std::int64_t{0}),
              .mean = json.value("mean", 0.0),
              .batch = json.at("batch"),
              .objective = all ? Objective::kAllCells : Objective::kRatedCells};
    }
    known += " " + json.at("case").get<std::string>();
  }
  throw Error("there is no case " + name + ", but" + known);
}

CsrMatrix CpuCase::make_ratings(const std::string& data) const {
  if (ratings == "synthetic") return synthetic_ratings({.rows = rows, .columns = columns}).matrix;
  if (ratings == "long-tail") {
    return long_tail_ratings({.rows = rows, .columns = columns, .mean = mean});
  }
  return read_ratings(data + "/" + ratings).matrix;
}

}  // namespace hourglass::bench
