// A checkpoint, from which a training of a tiny network goes on. Form 3: the progress, a byte 0 and
// bytes that change the tensors, in a file that is right otherwise.
#include <nlohmann/json.hpp>

#include "fuzz/files.h"
#include "fuzz/harness.h"
#include "fuzz/safetensors_text.h"
#include "hourglass/train/trainer.h"
#include "reference/backend.h"

namespace hourglass::fuzz {
namespace {

/// 4 rows x 3 columns, two batches an epoch.
CsrMatrix ratings() {
  CsrMatrix m;
  m.n_rows = 4;
  m.n_columns = 3;
  m.row_offsets = {0, 1, 2, 3, 4};
  m.columns = {0, 2, 0, 1};
  m.values = {1, 2, 3, 4};
  return m;
}

TrainOptions options(Objective objective) {
  TrainOptions options;
  options.shape = {.n_columns = 3, .hidden = {2}, .bottleneck = 1};
  options.objective = objective;
  options.output_path = OutputPath::kGram;
  options.batch_size = 2;
  options.epochs = 50;
  options.patience = 10;
  options.monitor = objective == Objective::kRatedCells ? Monitor::kHoldout : Monitor::kTraining;
  return options;
}

/// A training that is resumed again and again, and a checkpoint of it.
struct Resumed {
  explicit Resumed(Objective objective)
      : with(options(objective)), trainer(backend, given, with, &given) {
    trainer.start(initial_model(with.shape, 7));
    for (int step = 0; step < 5; ++step) trainer.step();
    const MemoryFolder folder;
    trainer.save_checkpoint(folder.path() / "c");
    good = folder.read("c");
  }

  reference::ReferenceBackend backend;
  CsrMatrix given = ratings();
  TrainOptions with;
  Trainer trainer;
  std::string good;
};

/// `good` with another progress; the bytes are added to those of the tensors.
std::string changed(const std::string& good, Input input) {
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) {
    length = length << 8 | static_cast<unsigned char>(good[static_cast<std::size_t>(i)]);
  }
  auto header = nlohmann::json::parse(good.substr(8, length));
  header["__metadata__"]["progress"] = input.part('\0');
  const std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string data = good.substr(8 + length);
  const std::string_view bytes = input.rest();
  for (std::size_t i = 0; i < bytes.size() && i < data.size(); ++i) {
    data[i] = static_cast<char>(data[i] ^ bytes[i]);
  }
  std::string file = safetensors(text, data);
  mend_checksum(file);
  return file;
}

}  // namespace
}  // namespace hourglass::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  static fuzz::MemoryFile memory;
  static fuzz::Resumed all(Objective::kAllCells), rated(Objective::kRatedCells);
  fuzz::Input input(data, size);
  const unsigned first = input.byte();
  fuzz::Resumed& resumed = (first & 4) != 0 ? rated : all;
  const unsigned form = first % 4;
  const std::string bytes =
      form == 3 ? fuzz::changed(resumed.good, input) : fuzz::safetensors_of(form, input.rest());
  memory.put(bytes);
  Trainer& trainer = resumed.trainer;
  fuzz::refusal(bytes.size(), [&] {
    trainer.resume(memory.path());
    fuzz::expect(
        trainer.batches_done() >= 0 && trainer.batches_done() < trainer.batches_per_epoch(),
        "it stands within an epoch");
    // To go on costs what the file says that it missed: a step each.
    if (trainer.last_epoch().epoch > 200) return;
    for (int step = 0; step < 3 && !trainer.done(); ++step) trainer.step();
    Model model;
    trainer.save(model);
  });
  return 0;
}
