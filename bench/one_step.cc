// One training step of a fixed small network on one thread, for bench/instructions: the fifth, so that
// every unit and row has its history.
//
//   one_step gram|direct|rated         callgrind counts what measured_step runs
//   one_step_counted gram|direct|rated prints the instruction set and the kernels' own counts as JSON
#include <cstdio>
#include <cstring>
#include <string>

#include "cpu/backend.h"
#include "cpu/work_count.h"
#include "hourglass/core/philox.h"
#include "hourglass/model/autoencoder.h"
#include "hourglass/train/trainer.h"

namespace {

using namespace hourglass;  // NOLINT: a program of one file

CsrMatrix random_ratings(std::int64_t n_rows, std::int64_t n_columns, double density) {
  CsrMatrix m;
  m.n_rows = n_rows;
  m.n_columns = n_columns;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    for (std::int64_t c = 0; c < n_columns; ++c) {
      const auto words = philox(42, RandomPurpose::kSyntheticValue, 0,
                                static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c));
      if (static_cast<double>(uniform(words[0])) >= density) continue;
      m.columns.push_back(static_cast<std::int32_t>(c));
      m.values.push_back(1 + 4 * uniform(words[1]));
    }
    m.row_offsets.push_back(static_cast<std::int64_t>(m.columns.size()));
  }
  return m;
}

}  // namespace

// Not inlined, and with C's own name: callgrind begins and ends to count here.
extern "C" __attribute__((noinline)) void measured_step(Trainer* trainer) { trainer->step(); }

int main(int argc, char** argv) {
  const std::string path = argc == 2 ? argv[1] : "";
  const bool direct = path == "direct", rated = path == "rated";
  if (!direct && !rated && path != "gram") {
    std::fprintf(stderr, "usage: %s gram|direct|rated\n", argv[0]);
    return 2;
  }
  cpu::CpuBackend backend(1);
  const CsrMatrix ratings = direct ? random_ratings(640, 500, 0.5) : random_ratings(640, 2000, 0.01);
  TrainOptions options;
  options.shape = {.n_columns = ratings.n_columns, .hidden = {128, 64}, .bottleneck = 64};
  options.objective = rated ? Objective::kRatedCells : Objective::kAllCells;
  options.output_path = direct ? OutputPath::kDirect : OutputPath::kGram;
  Trainer trainer(backend, ratings, options);
  trainer.start(initial_model(options.shape, options.seed));
  for (int step = 0; step < 4; ++step) trainer.step();
#ifdef HOURGLASS_COUNT_WORK
  cpu::work = {};
#endif
  measured_step(&trainer);
#ifdef HOURGLASS_COUNT_WORK
  const cpu::Work& work = cpu::work;
  std::printf(
      "{\"instruction_set\": \"%s\", \"tiles\": %lld, \"multiply_adds\": %lld, \"adam_steps\": %lld, "
      "\"packed\": %lld, \"bytes\": %lld}\n",
      backend.description().substr(0, backend.description().find(',')).c_str(),
      static_cast<long long>(work.tiles), static_cast<long long>(work.multiply_adds),
      static_cast<long long>(work.adam_steps), static_cast<long long>(work.packed),
      static_cast<long long>(work.bytes));
#endif
}
