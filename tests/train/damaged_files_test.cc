// Every byte of a small model and of a small checkpoint, changed to every other value: each is
// refused, and nothing else happens.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "cpu/backend.h"
#include "hourglass/core/error.h"
#include "hourglass/core/file_descriptor.h"
#include "hourglass/model/model_file.h"
#include "hourglass/train/trainer.h"
#include "support/id_list.h"
#include "support/temp_folder.h"

namespace hourglass {
namespace {

using test::file_bytes;
using test::ids_of;
using test::TempFolder;

// A sanitizer makes each try ten times as long; the bytes are the same.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStep = 17;  // of the 255 changes: 1, 18, 35, ..., 255 is none of them
#else
constexpr int kStep = 1;
#endif

CsrMatrix some_ratings() {
  CsrMatrix m;
  m.n_rows = 3;
  m.n_columns = 2;
  m.row_offsets = {0, 1, 2, 3};
  m.columns = {0, 1, 0};
  m.values = {1, 2, 3};
  return m;
}

TrainOptions some_options() {
  TrainOptions options;
  options.shape = {.n_columns = 2, .hidden = {}, .bottleneck = 1};
  options.batch_size = 2;
  return options;
}

/// One of four parts of the tries, so that they may run side by side.
class DamagedFiles : public testing::TestWithParam<int> {
 protected:
  DamagedFiles() {
    trainer_.start(initial_model(options_.shape, 7));
    for (int step = 0; step < 5; ++step) trainer_.step();
  }

  /// Tries `read` on every change of `path`. It must throw Error each time, naming the file.
  template <class Read>
  static void every_changed_byte(const std::filesystem::path& path, const Read& read) {
    ASSERT_NO_THROW(read());
    const std::string good = file_bytes(path);
    const FileDescriptor file(::open(path.c_str(), O_WRONLY));
    const auto put = [&](std::size_t place, char byte) {
      ASSERT_EQ(::pwrite(file.get(), &byte, 1, static_cast<off_t>(place)), 1);
    };
    std::int64_t n = 0;
    for (std::size_t i = static_cast<std::size_t>(GetParam()); i < good.size(); i += 4) {
      for (int change = 1; change < 256; change += kStep) {
        put(i, static_cast<char>(good[i] ^ change));
        ++n;
        try {
          read();
          FAIL() << "byte " << i << " ^ " << change << " went unseen";
        } catch (const Error& error) {
          ASSERT_TRUE(std::string(error.what()).starts_with(path.string() + ": ")) << error.what();
        }
      }
      put(i, good[i]);
    }
    ASSERT_NO_THROW(read()) << "the file was put right again";
    std::printf("%lld changes of %zu bytes refused\n", static_cast<long long>(n), good.size());
  }

  const TempFolder folder_;
  cpu::CpuBackend backend_{1};
  const CsrMatrix ratings_ = some_ratings();
  const TrainOptions options_ = some_options();
  Trainer trainer_{backend_, ratings_, options_};
};

TEST_P(DamagedFiles, EveryChangedByteOfAModelIsFound) {
  Model model;
  model.shape = options_.shape;
  model.column_ids = ids_of({"a", "07"});
  model.training = {{"epochs", 2}, {"loss", trainer_.last_epoch().loss}, {"seed", 7}};
  trainer_.save(model);
  const auto path = folder_ / "model.safetensors";
  save_model(path, model);
  every_changed_byte(path, [&] { load_model(path); });
}

TEST_P(DamagedFiles, EveryChangedByteOfACheckpointIsFound) {
  const auto path = folder_ / "checkpoint.safetensors";
  trainer_.save_checkpoint(path);
  every_changed_byte(path, [&] { trainer_.resume(path); });
}

INSTANTIATE_TEST_SUITE_P(Quarter, DamagedFiles, testing::Range(0, 4));

}  // namespace
}  // namespace hourglass
