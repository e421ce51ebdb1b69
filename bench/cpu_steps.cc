// Where a step of training on the CPU takes its time: bench/cpu_steps CASE. Trains twice, as the
// program does: once as it is, for the seconds of each epoch; once with every operation timed, for
// its milliseconds a step and for the units that are live. The cases: bench/cpu_cases.json.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "bench/cpu_cases.h"
#include "bench/profiled_backend.h"
#include "bench/step_sizes.h"
#include "hourglass/core/error.h"
#include "hourglass/devices/device.h"
#include "hourglass/train/trainer.h"

namespace hourglass::bench {
namespace {

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Steps of an epoch, or of several, by operation.
class StepTimes {
 public:
  void add(const ProfiledBackend::Step& step, double ms) {
    for (const auto& [name, of_step] : step.ms) {
      std::vector<double>& times = operations_[name];
      times.resize(steps_.size());  // it did not run in those
      times.push_back(of_step);
    }
    steps_.push_back(ms);
    live_.resize(step.live.size());
    for (std::size_t l = 0; l < live_.size(); ++l) live_[l] += static_cast<double>(step.live[l]);
  }

  nlohmann::json to_json() const {
    nlohmann::json json = {{"step_ms", median(steps_)}, {"steps", steps_.size()}};
    double elsewhere = 1;
    for (const auto& [name, of_runs] : operations_) {
      std::vector<double> times = of_runs;
      times.resize(steps_.size());
      const double share = sum(times) / sum(steps_);
      elsewhere -= share;
      json["operations"][name] = {{"ms", median(times)}, {"share", share}};
    }
    json["share_elsewhere"] = elsewhere;
    for (const double units : live_) {
      json["live"].push_back(units / static_cast<double>(steps_.size()));
    }
    return json;
  }

 private:
  std::map<std::string, std::vector<double>> operations_;  ///< milliseconds of each step
  std::vector<double> steps_;
  std::vector<double> live_;  ///< of each ReLU layer, summed over the steps
};

struct Options {
  std::string cases = HOURGLASS_BENCH_FOLDER "/cpu_cases.json";
  std::string list = "cases";
  std::string data = HOURGLASS_BENCH_FOLDER "/../../shared/data";
  std::string name, output_path = "auto", json;
  int threads = 0;
  std::int64_t epochs = 4;
};

TrainOptions train_options(const Options& options, const CpuCase& c, const CsrMatrix& ratings) {
  const std::map<std::string, OutputPath> paths = {
      {"auto", OutputPath::kAuto}, {"gram", OutputPath::kGram}, {"direct", OutputPath::kDirect}};
  TrainOptions train;
  train.shape.n_columns = ratings.n_columns;
  train.objective = c.objective;
  train.output_path = paths.at(options.output_path);
  train.batch_size = c.batch;
  train.epochs = options.epochs;
  train.patience = options.epochs + 1;
  return train;
}

/// Trains from the start; after_step(seconds) after each.
template <class AfterStep>
std::vector<double> train(Trainer& trainer, const Model& model, const AfterStep& after_step) {
  trainer.start(model);
  std::vector<double> epochs;
  auto epoch_began = std::chrono::steady_clock::now();
  while (!trainer.done()) {
    const auto began = std::chrono::steady_clock::now();
    const bool epoch_ended = trainer.step().has_value();
    after_step(seconds_since(began));
    if (epoch_ended) {
      epochs.push_back(seconds_since(epoch_began));
      epoch_began = std::chrono::steady_clock::now();
    }
  }
  return epochs;
}

nlohmann::json measure(const Options& options, const CpuCase& c) {
  const CsrMatrix ratings = c.make_ratings(options.data);
  const TrainOptions training = train_options(options, c, ratings);
  Model model = initial_model(training.shape, training.seed);
  if (c.objective == Objective::kRatedCells) start_at_column_means(model, ratings);
  const Device device = open_device({.name = "cpu", .threads = options.threads});

  nlohmann::json result = {{"case", c.name},
                           {"device", device.backend->description()},
                           {"rows", ratings.n_rows},
                           {"columns", ratings.n_columns},
                           {"ratings", ratings.n_entries()},
                           {"batch", c.batch}};
  {
    Trainer trainer(*device.backend, ratings, training);
    const bool direct = trainer.output_path() == OutputPath::kDirect;
    result["path"] = c.objective == Objective::kRatedCells ? "rated" : direct ? "direct" : "gram";
    result["epoch_seconds"] = train(trainer, model, [](double) {});
    result["epoch"] = to_json(step_sizes(ratings, shuffled_rows(ratings.n_rows, training.seed, 1),
                                         c.batch, trainer.batches_per_epoch()));
  }
  ProfiledBackend profiled(*device.backend);
  Trainer trainer(profiled, ratings, training);
  StepTimes first, later;
  result["profiled_epoch_seconds"] = train(trainer, model, [&](double seconds) {
    // An epoch's last step is told of when its result is there.
    const bool in_first = trainer.last_epoch().epoch == 0 ||
                          (trainer.last_epoch().epoch == 1 && trainer.batches_done() == 0);
    (in_first ? first : later).add(profiled.take_step(), 1e3 * seconds);
  });
  for (const LayerShape& layer : training.shape.layers()) {
    if (layer.relu) result["units"].push_back(layer.n_outputs);
  }
  result["first"] = first.to_json();
  result["later"] = (options.epochs > 1 ? later : first).to_json();
  return result;
}

void print(const nlohmann::json& r) {
  fmt::print("{}: {} x {}, {} ratings, batch {}, {}; {}\n", r["case"].get<std::string>(),
             r["rows"].get<std::int64_t>(), r["columns"].get<std::int64_t>(),
             r["ratings"].get<std::int64_t>(), r["batch"].get<int>(), r["path"].get<std::string>(),
             r["device"].get<std::string>());
  const auto list = [&](const char* title, const nlohmann::json& values, const char* format) {
    fmt::print("{}", title);
    for (const nlohmann::json& value : values) {
      fmt::print(fmt::runtime(format), value.get<double>());
    }
    fmt::print("\n");
  };
  list("seconds an epoch: ", r["epoch_seconds"], " {:.4f}");
  list("with a clock:     ", r["profiled_epoch_seconds"], " {:.4f}");
  list("ReLU units:       ", r["units"], " {:.0f}");
  list("live, epoch 1:    ", r["first"]["live"], " {:.1f}");
  list("live, later:      ", r["later"]["live"], " {:.1f}");
  fmt::print("{:<22} {:>10} {:>7} {:>12} {:>7}\n", "ms a step (median)", "epoch 1", "", "later",
             "");
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, of_run] : r["later"]["operations"].items()) {
    order.emplace_back(-of_run["share"].get<double>(), name);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [share, name] : order) {
    const auto cells = [&](const char* when) {
      const nlohmann::json of_run = r[when]["operations"].value(name, nlohmann::json());
      if (of_run.is_null()) return std::pair(0.0, 0.0);
      return std::pair(of_run["ms"].get<double>(), 100 * of_run["share"].get<double>());
    };
    fmt::print("{:<22} {:>10.4f} {:>5.1f} % {:>12.4f} {:>5.1f} %\n", name, cells("first").first,
               cells("first").second, cells("later").first, cells("later").second);
  }
  fmt::print("{:<22} {:>10} {:>5.1f} % {:>12} {:>5.1f} %\n", "elsewhere", "",
             100 * r["first"]["share_elsewhere"].get<double>(), "",
             100 * r["later"]["share_elsewhere"].get<double>());
  fmt::print("{:<22} {:>10.4f} {:>7} {:>12.4f}\n", "a step", r["first"]["step_ms"].get<double>(),
             "", r["later"]["step_ms"].get<double>());
}

void run(const Options& options) {
  std::ifstream file(options.cases);
  if (!file) throw Error(options.cases + ": cannot be read");
  const auto c = CpuCase::named(options.name, nlohmann::json::parse(file).at(options.list));
  const nlohmann::json result = measure(options, c);
  print(result);
  if (options.json.empty()) return;
  std::ofstream out(options.json);
  out << result.dump(1) << "\n";
  if (!out.flush()) throw Error(options.json + ": cannot be written");
}

}  // namespace
}  // namespace hourglass::bench

int main(int argc, char** argv) {
  hourglass::bench::Options options;
  CLI::App app("Where a step of training on the CPU takes its time");
  app.add_option("case", options.name, "of the cases' file")->required();
  app.add_option("--threads", options.threads, "0: all cores")->capture_default_str();
  app.add_option("--epochs", options.epochs, "the first is told of beside the later ones")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--output-path", options.output_path, "of all cells")
      ->check(CLI::IsMember({"auto", "gram", "direct"}))
      ->capture_default_str();
  app.add_option("--cases", options.cases, "the cases' file")->capture_default_str();
  app.add_option("--list", options.list, "which of its lists: cases, tiny")->capture_default_str();
  app.add_option("--data", options.data, "the folder of real ratings")->capture_default_str();
  app.add_option("--json", options.json, "writes all of it there too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  try {
    hourglass::bench::run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cpu_steps: {}\n", error.what());
    return 1;
  }
}
