#pragma once

#include <CLI/CLI.hpp>

#include "hourglass/devices/device.h"

namespace hourglass::cli {

/// --device, --threads and --math.
inline void add_device_options(CLI::App& app, DeviceOptions& options) {
  app.add_option("--device", options.name,
                 "Where to compute; auto: a GPU where there is one, else the CPU")
      ->check(CLI::IsMember({"auto", "cpu", "cuda", "reference"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads; 0: the cores this process may use")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option(
         "--math", options.math,
         "Rounding of factors in large matrix products: tf32 (a GPU's) and bf16 (a GPU's, and a "
         "CPU's with AVX-512's bfloat16) are faster, with 11 and 8 significant bits; not kept for "
         "--resume")
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str();
}

}  // namespace hourglass::cli
