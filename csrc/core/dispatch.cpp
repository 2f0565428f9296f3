#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace harsanyi {
namespace {

struct Tiers {
  const KernelTable* table[3];
  int count = 0;
  Tiers() noexcept {
    table[count++] = &kernels_baseline;
#if defined(HARSANYI_X86_64)
    // libgcc's check includes the operating system's (XGETBV): registers that are not saved count as absent.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
      table[count++] = &kernels_avx2;
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        table[count++] = &kernels_avx512;
      }
    }
#endif
  }
};

const Tiers& tiers() noexcept {
  static const Tiers found;
  return found;
}

const KernelTable* find(const char* name) noexcept {
  if (name == nullptr) return nullptr;
  for (int i = 0; i < tiers().count; ++i) {
    if (std::strcmp(tiers().table[i]->name, name) == 0) return tiers().table[i];
  }
  return nullptr;
}

// An unknown HARSANYI_ISA falls back to the best tier; harsanyi_isa() tells which one runs.
std::atomic<const KernelTable*>& selected() noexcept {
  static std::atomic<const KernelTable*> table{[] {
    const KernelTable* asked = find(std::getenv("HARSANYI_ISA"));
    return asked != nullptr ? asked : tiers().table[tiers().count - 1];
  }()};
  return table;
}

}  // namespace

const KernelTable& kernels() noexcept { return *selected().load(std::memory_order_relaxed); }
int tier_count() noexcept { return tiers().count; }
const KernelTable& tier(int index) noexcept { return *tiers().table[index]; }

bool select_tier(const char* name) noexcept {
  const KernelTable* found = find(name);
  if (found == nullptr) return false;
  selected().store(found);
  return true;
}

}  // namespace harsanyi
