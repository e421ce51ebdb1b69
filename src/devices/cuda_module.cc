#include "devices/cuda_module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>

#include "hourglass/ops/backend_module.h"

namespace hourglass::devices {
namespace {

constexpr const char* kModule = "libhourglass_cuda.so";
constexpr const char* kDriver = "libcuda.so.1";

CudaAttempt refused(std::string reason, std::string remedy) {
  return {nullptr, std::move(reason), std::move(remedy)};
}

/// The last fault of the dynamic loader: "FILE: what".
std::string loader_fault() {
  const char* text = ::dlerror();
  return text == nullptr ? "the dynamic loader does not say why" : text;
}

/// Opens a shared library, for good: a backend's code and tables must outlive every backend, and a
/// driver does not bear to be unloaded, so nothing here is ever closed.
void* open_library(const std::string& name) {
  return ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
}

CudaAttempt call_entry(void* module, const std::string& name) {
  void* symbol = ::dlsym(module, kBackendModuleEntry);
  if (symbol == nullptr) {
    return refused(name + " is no CUDA module of hourglass: it has no " + kBackendModuleEntry,
                   "install the module that came with this program");
  }
  const auto entry = reinterpret_cast<decltype(&hourglass_open)>(symbol);
  try {
    std::unique_ptr<Backend> backend(entry(kBackendModuleAbi));
    if (backend != nullptr) return {std::move(backend), {}, {}};
  } catch (const std::exception& fault) {
    return refused(fault.what(), "put that right");
  }
  return refused(name + " is the CUDA module of another version of hourglass",
                 "install the module that came with this program");
}

}  // namespace

CudaAttempt open_cuda() {
  const char* named = std::getenv("HOURGLASS_CUDA_MODULE");
  if (named != nullptr && *named != '\0') {
    // A name without a slash would be searched for in the system's folders; this one is a file's.
    const std::string path = std::filesystem::absolute(named);
    void* module = open_library(path);
    if (module == nullptr) {
      return refused("the CUDA module of HOURGLASS_CUDA_MODULE cannot be opened: " + loader_fault(),
                     "name a module that can be");
    }
    return call_entry(module, path);
  }
  // The driver is looked for first: cheap where there is none, and without it the module is no use.
  if (open_library(kDriver) == nullptr) {
    const std::string fault = loader_fault();
    if (fault.starts_with(std::string(kDriver) + ":")) {
      return refused("no NVIDIA driver is installed (" + std::string(kDriver) + ")", "install it");
    }
    return refused("the NVIDIA driver cannot be opened: " + fault, "install it anew");
  }
  void* module = open_library(kModule);
  if (module == nullptr) {
    const std::string fault = loader_fault();
    // Where the file is there and what it needs is not, the loader names another file, or a path.
    if (fault.starts_with(std::string(kModule) + ":")) {
      return refused("no CUDA module is installed (" + std::string(kModule) + ")",
                     "install it, or name it in HOURGLASS_CUDA_MODULE");
    }
    return refused("the CUDA module cannot be opened: " + fault, "install what it needs");
  }
  return call_entry(module, kModule);
}

}  // namespace hourglass::devices
