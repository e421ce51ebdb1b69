#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/model_input.h"
#include "cli/read_options.h"
#include "cli/streams.h"
#include "hourglass/analysis/kmeans.h"
#include "hourglass/analysis/pca.h"
#include "hourglass/analysis/silhouette.h"
#include "hourglass/core/atomic_file.h"
#include "hourglass/core/create_folder.h"
#include "hourglass/data/quote_field.h"
#include "hourglass/devices/device.h"
#include "hourglass/model/predictor.h"
#include "hourglass/report/report.h"

namespace hourglass::cli {
namespace {

struct ClusterCommand {
  std::vector<std::string> files;  ///< RATINGS, or MODEL and RATINGS
  std::string output;
  DeviceOptions device;
  PcaOptions pca;
  KmeansOptions kmeans;
  std::int64_t sample = 1000;
  std::uint64_t seed = 42;
  bool json = false;
  ReadOptions read;
};

/// What the rows are analysed by: their ratings, or a model's codes of them.
struct Analysed {
  Ratings ratings;
  std::optional<int> bottleneck;  ///< columns of the codes; none: the ratings themselves
  Pca pca;
};

Analysed analyse(const ClusterCommand& command) {
  PcaOptions options = command.pca;
  options.seed = command.seed;
  Analysed analysed;
  analysed.ratings = read_ratings(command.files.back(), command.read);
  const Ratings& ratings = analysed.ratings;
  if (command.files.size() == 1) {
    analysed.pca = pca(ratings.matrix, options);
    return analysed;
  }
  const Model model = load_model(model_path(command.files.front()));
  const Device device = open_device(command.device);
  require_memory_to_predict(*device.backend, model, ratings.matrix.n_rows);
  Predictor predictor(*device.backend, model);
  const CsrMatrix matrix = align_to(model, ratings.matrix, ratings.column_ids, command.read);
  const std::vector<float> codes = predictor.codes(matrix);
  analysed.bottleneck = predictor.bottleneck();
  analysed.pca = pca(DenseView<float>{codes, matrix.n_rows, predictor.bottleneck()}, options);
  return analysed;
}

struct Clusters {
  Kmeans kmeans;
  std::optional<Silhouette> silhouette;  ///< none of a single cluster
};

Clusters find_clusters(const ClusterCommand& command, DenseView<double> points) {
  KmeansOptions options = command.kmeans;
  options.seed = command.seed;
  Clusters clusters{kmeans(points, options), {}};
  if (options.n_clusters > 1) {
    clusters.silhouette = silhouette(points, clusters.kmeans.labels, command.sample, command.seed);
  }
  return clusters;
}

/// A line a row: its id, its scores, its cluster.
std::string as_csv(const Analysed& analysed, const Kmeans& kmeans) {
  std::string text;
  append_field(text, analysed.ratings.row_name);
  for (int c = 1; c <= analysed.pca.n_components; ++c) text += fmt::format(",pc{}", c);
  text += ",cluster\n";
  const auto end = std::back_inserter(text);
  for (std::int64_t row = 0; row < analysed.pca.n_rows; ++row) {
    append_field(text, analysed.ratings.row_ids[row]);
    for (const double score : analysed.pca.points().row(row)) fmt::format_to(end, ",{}", score);
    fmt::format_to(end, ",{}\n", kmeans.labels[static_cast<std::size_t>(row)]);
  }
  return text;
}

nlohmann::ordered_json as_json(const ClusterCommand& command, const Analysed& analysed,
                               const Clusters& clusters) {
  const Pca& pca = analysed.pca;
  const Kmeans& kmeans = clusters.kmeans;
  const DenseView<double> centres{kmeans.centres, static_cast<std::int64_t>(kmeans.sizes.size()),
                                  pca.n_components};
  nlohmann::ordered_json json;
  json["of"] = analysed.bottleneck ? "codes" : "rows";
  if (analysed.bottleneck) json["bottleneck"] = *analysed.bottleneck;
  json["rows"] = pca.n_rows;
  json["columns"] = pca.n_columns;
  json["components"] = pca.n_components;
  json["explained_variance"] = pca.explained_variance;
  json["explained_variance_ratio"] = pca.explained_variance_ratio;
  json["total_variance"] = pca.total_variance;
  json["clusters"] = centres.n_rows;
  json["inertia"] = kmeans.inertia;
  json["sizes"] = kmeans.sizes;
  json["centres"] = nlohmann::ordered_json::array();
  for (std::int64_t c = 0; c < centres.n_rows; ++c) json["centres"].push_back(centres.row(c));
  json["silhouette"] = nullptr;
  json["silhouette_sample"] = nullptr;
  if (clusters.silhouette) {
    json["silhouette"] = clusters.silhouette->mean;
    json["silhouette_sample"] = clusters.silhouette->n_sampled;
  }
  json["seed"] = command.seed;
  return json;
}

std::string as_text(const Analysed& analysed, const Clusters& clusters) {
  const Pca& pca = analysed.pca;
  const Kmeans& kmeans = clusters.kmeans;
  std::string text;
  const auto end = std::back_inserter(text);
  fmt::format_to(end, "component        variance   of all\n");
  double sum = 0;
  for (std::size_t c = 0; c < pca.explained_variance.size(); ++c) {
    sum += pca.explained_variance[c];
    fmt::format_to(end, "{:<9}{:>16.6g}{:>7.2f} %\n", c + 1, pca.explained_variance[c],
                   100 * pca.explained_variance_ratio[c]);
  }
  const double ratio = pca.total_variance > 0 ? sum / pca.total_variance : 0;
  fmt::format_to(end, "{:<9}{:>16.6g}{:>7.2f} %\n\n", "together", sum, 100 * ratio);

  fmt::format_to(end, "cluster            rows  centre\n");
  const DenseView<double> centres{kmeans.centres, static_cast<std::int64_t>(kmeans.sizes.size()),
                                  pca.n_components};
  for (std::int64_t c = 0; c < centres.n_rows; ++c) {
    fmt::format_to(end, "{:<9}{:>14}  {:.4g}\n", c, kmeans.sizes[static_cast<std::size_t>(c)],
                   fmt::join(centres.row(c), "  "));
  }
  fmt::format_to(end, "inertia  {:>14.6g}\n", kmeans.inertia);
  if (clusters.silhouette) {
    fmt::format_to(end, "silhouette{:>13.4f}  (of {} rows)\n", clusters.silhouette->mean,
                   clusters.silhouette->n_sampled);
  }
  return text;
}

/// The rows in the plane of the first two components.
std::string picture(const Analysed& analysed, const Kmeans& kmeans) {
  std::vector<double> pc1, pc2;
  for (std::int64_t row = 0; row < analysed.pca.n_rows; ++row) {
    pc1.push_back(analysed.pca.points().row(row)[0]);
    pc2.push_back(analysed.pca.points().row(row)[1]);
  }
  return draw(cluster_chart(pc1, pc2, kmeans.labels, analysed.pca.explained_variance_ratio,
                            analysed.bottleneck ? "codes" : "rows", analysed.ratings.row_name));
}

void run(const ClusterCommand& command) {
  const std::filesystem::path folder = command.output;
  create_folder(folder);  // first, so that one that cannot be made costs no work
  const Analysed analysed = analyse(command);
  const Clusters clusters = find_clusters(command, analysed.pca.points());
  const auto json = as_json(command, analysed, clusters).dump(2);
  write_file(folder / "clusters.csv", as_csv(analysed, clusters.kmeans));
  write_file(folder / "clusters.json", json + "\n");
  if (analysed.pca.n_components > 1)
    write_file(folder / "clusters.svg", picture(analysed, clusters.kmeans));
  print(command.json ? json + "\n" : as_text(analysed, clusters));
  for (const char* name : {"clusters.csv", "clusters.json", "clusters.svg"}) {
    if (std::filesystem::exists(folder / name)) tell("{}\n", (folder / name).string());
  }
}

}  // namespace

void add_cluster(CLI::App& app) {
  auto options = std::make_shared<ClusterCommand>();
  CLI::App* command =
      app.add_subcommand("cluster", "Find principal components of the rows, and clusters in them");
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command->add_option(name, value, help)->capture_default_str();
  };
  command
      ->add_option(
          "FILES", options->files,
          "RATINGS: of the rows themselves; or MODEL RATINGS: of the model's codes of them")
      ->required()
      ->expected(1, 2)
      ->type_name("");
  command->add_option("--output", options->output, "folder for clusters.csv and clusters.json")
      ->required();
  add("--components", options->pca.n_components, "principal components, as sklearn's PCA has them")
      ->check(CLI::PositiveNumber);
  add("--clusters", options->kmeans.n_clusters, "clusters that k-means finds in the components")
      ->check(CLI::PositiveNumber);
  add("--sample", options->sample, "rows that the silhouette is the mean of, at most")
      ->check(CLI::PositiveNumber);
  add("--seed", options->seed, "of the random numbers");
  command->add_flag("--json", options->json, "print clusters.json, for programs");
  add_device_options(*command, options->device);
  add_read_options(*command, options->read);
  command->callback([options] { run(*options); });
}

}  // namespace hourglass::cli
