#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "hourglass/data/histogram.h"

namespace hourglass::cli {

/// [{"value": 5, "count": 7}, ...], or with "from" and "to" where bars are intervals.
inline nlohmann::ordered_json to_json(const std::vector<HistogramBar>& bars) {
  auto json = nlohmann::ordered_json::array();
  for (const HistogramBar& bar : bars) {
    auto entry = bar.from == bar.to ? nlohmann::ordered_json{{"value", bar.from}}
                                    : nlohmann::ordered_json{{"from", bar.from}, {"to", bar.to}};
    entry["count"] = bar.count;
    json.push_back(entry);
  }
  return json;
}

}  // namespace hourglass::cli
