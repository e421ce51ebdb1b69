#include "hourglass/core/start_thread.h"

#include <fmt/format.h>

#include "hourglass/core/error.h"

namespace hourglass {

void throw_no_thread(const std::system_error& fault) {
  throw Error(
      fmt::format("cannot start a thread: {}; free memory, raise the limits on memory and "
                  "processes (ulimit -v, -u), or take fewer --threads",
                  fault.code().message()));
}

}  // namespace hourglass
