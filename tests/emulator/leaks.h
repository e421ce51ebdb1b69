#pragma once

namespace emulator {

/// When the program ends it must have freed what it had of the runtime; if not, what is left is
/// named on stderr, and the exit code is kFaultExitCode.
void report_leaks_at_exit();

}  // namespace emulator
