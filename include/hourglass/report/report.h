#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hourglass/report/chart.h"
#include "hourglass/train/run_folder.h"

namespace hourglass {

struct ChartFile {
  std::string name;  ///< "loss-k=8.svg"
  std::string svg;
};

struct Report {
  std::string html;               ///< self-contained: no script, no address of anything elsewhere
  std::vector<ChartFile> charts;  ///< the same charts, a file each
};

/// What a run's folder holds, in one page: run.json, each bottleneck's log.jsonl, and where they
/// are there evaluation-*.json and clusters.csv with clusters.json (of the run or of a bottleneck).
/// The same folder gives the same bytes. Throws Error where the run has trained nothing yet and for
/// a file that is damaged, with FILE:LINE for a log.
Report make_report(const RunFolder& run);

/// Points in the plane of the first two principal components, by cluster. ratios: the shares of the
/// variance that the components explain; of: "rows" or "codes".
ScatterChart cluster_chart(std::span<const double> pc1, std::span<const double> pc2,
                           std::span<const std::int32_t> clusters, std::span<const double> ratios,
                           const std::string& of, const std::string& row_name);

}  // namespace hourglass
