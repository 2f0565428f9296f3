// Carves arrays out of a caller's workspace; without one it only measures.
#pragma once

#include <cstddef>

namespace harsanyi {

constexpr size_t aligned(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

// The first cache line that begins inside the workspace.
inline char* aligned(void* workspace) { return reinterpret_cast<char*>(aligned(reinterpret_cast<size_t>(workspace))); }

struct Arena {
  char* memory = nullptr;  // nullptr: measure
  size_t used = 0;

  template <class T>
  T* take(size_t count) noexcept {
    T* const at = memory == nullptr ? nullptr : reinterpret_cast<T*>(memory + used);
    used = aligned(used + count * sizeof(T));
    return at;
  }
};

}  // namespace harsanyi
