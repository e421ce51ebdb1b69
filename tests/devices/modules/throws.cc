// A module as CUDA's will be, on a machine whose driver is too old.
#include "hourglass/core/error.h"
#include "hourglass/ops/backend_module.h"

hourglass::Backend* hourglass_open(int) {
  throw hourglass::Error("no NVIDIA driver, or one too old (error 35)");
}
