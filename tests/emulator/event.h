#pragma once

#include <cstddef>

namespace emulator {

/// Events that are not destroyed yet.
std::size_t n_events();

}  // namespace emulator
