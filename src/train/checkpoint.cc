// Trainer's checkpoint: a safetensors file with the network's state (Autoencoder::state), the
// losses of the steps made in the epoch under way ("step_losses", F64), with Monitor::kHoldout the
// best epoch's weights ("best.LAYER.weight" and ".bias", in PyTorch's layout) and, in its metadata,
// "progress" and, where it was given, "training".
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hourglass/core/error.h"
#include "hourglass/core/json_text.h"
#include "hourglass/model/safetensors.h"
#include "hourglass/train/trainer.h"

namespace hourglass {
namespace {

constexpr const char* kVersionKey = "hourglass_checkpoint";
constexpr const char* kVersion = "1";
constexpr const char* kTrainingKey = "training";

/// JSON has no infinity: a best loss that is none yet is null.
nlohmann::json best_to_json(double best) {
  return best == std::numeric_limits<double>::infinity() ? nlohmann::json() : nlohmann::json(best);
}

double best_from_json(const nlohmann::json& best) {
  return best.is_null() ? std::numeric_limits<double>::infinity() : best.get<double>();
}

nlohmann::json to_json(std::optional<double> value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

std::optional<double> optional_from_json(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

}  // namespace

void Trainer::load_best(const SafetensorsFile& file) {
  best_.weights.clear();
  best_.biases.clear();
  for (const LayerShape& layer : options_.shape.layers()) {
    const auto read = [&](const std::string& name, const Shape& shape) {
      const auto found = file.tensors().find(name);
      if (found == file.tensors().end() || found->second.shape != shape) {
        throw Error(
            fmt::format("{}: has no {} {}, so it is no checkpoint of this training; train "
                        "anew",
                        file.path().string(), name, to_string(shape)));
      }
      return file.read_f32(name);
    };
    best_.weights.push_back(
        read("best." + layer.name + ".weight", {layer.n_outputs, layer.n_inputs}));
    best_.biases.push_back(read("best." + layer.name + ".bias", {layer.n_outputs}));
  }
}

void Trainer::save_checkpoint(const std::filesystem::path& path, std::string_view training) {
  require_finite_weights();
  std::vector<double> losses = losses_.download();
  losses.resize(static_cast<std::size_t>(n_steps_));
  std::vector<double> penalties = penalties_.download();
  penalties.resize(static_cast<std::size_t>(n_steps_));
  std::vector<TensorView> tensors = network_.state();
  tensors.emplace_back("step_losses", Shape{n_steps_}, std::span<const double>(losses));
  tensors.emplace_back("step_penalties", Shape{n_steps_}, std::span<const double>(penalties));
  const std::vector<LayerShape> layers = options_.shape.layers();
  for (std::size_t l = 0; l < best_.weights.size(); ++l) {
    const std::string name = "best." + layers[l].name;
    tensors.emplace_back(name + ".weight", Shape{layers[l].n_outputs, layers[l].n_inputs},
                         std::span<const float>(best_.weights[l]));
    tensors.emplace_back(name + ".bias", Shape{layers[l].n_outputs},
                         std::span<const float>(best_.biases[l]));
  }
  const nlohmann::json progress = {{"epoch", result_.epoch},
                                   {"loss", result_.loss},
                                   {"penalty", result_.penalty},
                                   {"holdout", to_json(result_.holdout)},
                                   {"improved", result_.improved},
                                   {"stopped", result_.stopped},
                                   {"best", best_to_json(early_.best)},
                                   {"best_epoch", result_.best_epoch},
                                   {"loss_at_best", result_.loss_at_best},
                                   {"waited", early_.waited},
                                   {"batch", batch_},
                                   {"adam_steps", network_.steps()}};
  Metadata metadata = {{kVersionKey, kVersion}, {"progress", progress.dump()}};
  if (!training.empty()) metadata.emplace(kTrainingKey, training);
  save_safetensors(path, tensors, metadata);
}

void Trainer::resume(const std::filesystem::path& path, std::string_view training) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("{}: {}; remove it to train anew", path.string(), what));
  };
  const SafetensorsFile file(path, Checksum::kRequired);
  const auto version = file.metadata().find(kVersionKey);
  const auto text = file.metadata().find("progress");
  if (version == file.metadata().end() || text == file.metadata().end()) fail("is no checkpoint");
  if (version->second != kVersion) fail("is a checkpoint of another version of hourglass");
  const auto of = file.metadata().find(kTrainingKey);
  if ((of == file.metadata().end() ? "" : of->second) != training) {
    fail("is a checkpoint of a training with other ratings or options");
  }
  std::int64_t adam_steps = 0;
  try {
    const nlohmann::json progress = parse_json(text->second);
    result_.epoch = whole_number(progress, "epoch");
    result_.loss = progress.at("loss");
    result_.penalty = progress.at("penalty");
    result_.holdout = optional_from_json(progress.at("holdout"));
    result_.improved = progress.at("improved");
    result_.stopped = progress.at("stopped");
    early_.best = result_.best = best_from_json(progress.at("best"));
    result_.best_epoch = whole_number(progress, "best_epoch");
    result_.loss_at_best = progress.at("loss_at_best");
    early_.waited = whole_number(progress, "waited");
    batch_ = whole_number(progress, "batch");
    adam_steps = whole_number(progress, "adam_steps");
  } catch (const nlohmann::json::exception&) {
    fail("its progress cannot be read");
  } catch (const Error&) {
    fail("its progress cannot be read");
  }
  std::vector<double> losses = file.read_f64("step_losses");
  std::vector<double> penalties = file.read_f64("step_penalties");
  n_steps_ = std::ssize(losses);
  // An epoch's number is a word of Philox's counter. Deferred rows replay the steps that they
  // missed, so no more may be told of than these epochs have.
  if (result_.epoch < 0 || result_.epoch > std::numeric_limits<std::uint32_t>::max() ||
      early_.waited < 0 || early_.waited > result_.epoch || batch_ < n_steps_ ||
      batch_ >= batches_per_epoch() || std::ssize(penalties) != n_steps_ || adam_steps < n_steps_ ||
      (adam_steps > n_steps_ &&
       (adam_steps - n_steps_ - 1) / batches_per_epoch() >= result_.epoch)) {
    fail("its progress is none of a training on these ratings");
  }
  network_.load_state(file, adam_steps);
  if (keeps_best() && result_.best_epoch > 0) load_best(file);
  losses.resize(static_cast<std::size_t>(batches_per_epoch()));
  losses_.upload(losses);
  penalties.resize(losses.size());
  penalties_.upload(penalties);
  if (batch_ > 0) begin_epoch();
}

}  // namespace hourglass
