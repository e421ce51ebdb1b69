// A C++ user's first program: train on made-up ratings, then predict two rows.
#include <hourglass/data/synthetic.h>
#include <hourglass/devices/device.h>
#include <hourglass/model/predictor.h>
#include <hourglass/train/trainer.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <vector>

int main() try {
  const hourglass::Ratings ratings = hourglass::synthetic_ratings({.rows = 500, .columns = 40});
  hourglass::Device device = hourglass::open_device({.name = "cpu", .threads = 2});

  hourglass::TrainOptions options;
  options.shape = {.n_columns = 40, .hidden = {32}, .bottleneck = 8};
  options.epochs = 5;
  hourglass::Model model = hourglass::initial_model(options.shape, options.seed);
  hourglass::train(*device.backend, ratings.matrix, options, model, [](const auto& epoch) {
    std::printf("epoch %d loss %.6f\n", static_cast<int>(epoch.epoch), epoch.loss);
  });

  const std::vector<std::int32_t> rows = {0, 499};
  const std::vector<float> predicted =
      hourglass::predict(*device.backend, model, ratings.matrix, rows);
  int n_finite = 0;
  for (const float rating : predicted) n_finite += std::isfinite(rating);
  std::printf("predicted %zu, finite %d\n", predicted.size(), n_finite);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
