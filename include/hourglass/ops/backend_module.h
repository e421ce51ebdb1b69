#pragma once

#include "hourglass/ops/backend.h"

// A backend in a shared library of its own, opened while the program runs. CUDA's is such a module
// (libhourglass_cuda.so): a program that linked it would not start on a machine without CUDA.
namespace hourglass {

/// Raise it with every change to Backend, to an operation's struct, or to what they are made of:
/// the module calls by position in Backend's table, and one built for another table would call
/// amiss.
inline constexpr int kBackendModuleAbi = 10;

/// What the loader looks the entry point up by.
inline constexpr const char* kBackendModuleEntry = "hourglass_open";

}  // namespace hourglass

/// The module's one entry point. Returns a backend that the caller deletes, and nullptr where `abi`
/// is not the kBackendModuleAbi that the module was built with. Where the machine has nothing to
/// run on, throws what derives from std::exception, and what() says in a phrase why: no driver, a
/// driver too old (cudaGetDeviceCount gives 35 for both), no device, too little memory. The phrase
/// follows "the CPU was taken: ", and is one line.
extern "C" __attribute__((visibility("default"))) hourglass::Backend* hourglass_open(int abi);
