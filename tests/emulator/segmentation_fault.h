#pragma once

namespace emulator {

/// A fault at an address of the emulator's ends the program with a message that says what lies
/// there. Not under AddressSanitizer, which has its own.
void report_segmentation_faults();

}  // namespace emulator
