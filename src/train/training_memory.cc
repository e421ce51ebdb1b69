#include <algorithm>
#include <cstddef>

#include "hourglass/ops/allocation_count.h"
#include "hourglass/train/trainer.h"

namespace hourglass {
namespace {

/// The greatest number of bytes that one layer's rows take, as Autoencoder::load() packs them.
std::size_t greatest_layer(const NetworkShape& shape) {
  std::int64_t floats = 0;
  for (const LayerShape& layer : shape.layers()) {
    floats = std::max({floats, (layer.n_inputs + 1) * padded(layer.n_outputs),
                       layer.n_outputs * padded(layer.n_inputs + 1)});
  }
  return static_cast<std::size_t>(floats) * sizeof(float);
}

/// Of a model's file: the list of the ids, and its text on the way into the header, which JSON in
/// JSON passes through in copies.
std::size_t of_column_ids(const IdList& ids) {
  constexpr std::size_t kTexts = 9, kQuotes = 5;
  const auto n = static_cast<std::size_t>(ids.size());
  return ids.bytes() + n * sizeof(std::size_t) + kTexts * (ids.bytes() + kQuotes * n);
}

}  // namespace

TrainingMemory training_memory(const Backend& like, const CsrMatrix& ratings,
                               const TrainOptions& options, const CsrMatrix* holdout,
                               const IdList& column_ids) {
  // Buffers of files, a block of a tensor on its way to the disk, logs, what an allocator rounds
  // up.
  constexpr std::size_t kSmallThings = std::size_t{4} << 20;
  constexpr std::size_t kOfARow = 24;  // its place in an epoch, and what that is sorted by
  AllocationCount count(like);
  const Trainer trainer(count, ratings, options, holdout);
  const std::size_t model = static_cast<std::size_t>(options.shape.n_parameters()) * sizeof(float);
  const std::size_t best = options.monitor == Monitor::kHoldout ? model : 0;
  // The first weights are packed before any operation has run; the model is saved after all have.
  const std::size_t first = greatest_layer(options.shape);
  const std::size_t last =
      like.scratch_memory(trainer.step_sizes()) + best + of_column_ids(column_ids);
  return {.backend = count.bytes(),
          .host = model + std::max(first, last) + kSmallThings +
                  kOfARow * static_cast<std::size_t>(ratings.n_rows)};
}

}  // namespace hourglass
