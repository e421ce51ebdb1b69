#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "emulator/report.h"

namespace emulator {

/// The objects of one kind that a program holds by CUDA's opaque handles. A handle is a number that
/// is not given again: one that was destroyed, or is of another kind, is known as such.
template <class Handle, class Object>
class HandleTable {
 public:
  /// `kind`: for messages. `first`: apart from the other tables' by more than they ever hold.
  HandleTable(const char* kind, std::uintptr_t first) : kind_(kind), next_(first) {}

  Handle add(std::shared_ptr<Object> object) {
    const auto handle = reinterpret_cast<Handle>(next_);
    next_ += 16;
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  /// Ends the program, naming the caller, where there is none.
  const std::shared_ptr<Object>& at(Handle handle, const char* caller) const {
    const auto found = objects_.find(handle);
    if (found == objects_.end()) {
      die("%s(%p): that is no %s, or it was destroyed", caller, static_cast<void*>(handle), kind_);
    }
    return found->second;
  }

  std::shared_ptr<Object> remove(Handle handle, const char* caller) {
    std::shared_ptr<Object> object = at(handle, caller);
    objects_.erase(handle);
    return object;
  }

  std::size_t size() const { return objects_.size(); }

 private:
  const char* kind_;
  std::uintptr_t next_;
  std::map<Handle, std::shared_ptr<Object>> objects_;
};

}  // namespace emulator
