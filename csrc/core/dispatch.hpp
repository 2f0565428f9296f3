// Chooses the instruction-set tier: the best that the processor runs, or the one asked for.
#pragma once

#include "kernels.hpp"

namespace harsanyi {

const KernelTable& kernels() noexcept;
int tier_count() noexcept;                    // tiers this processor can run, slowest first
const KernelTable& tier(int index) noexcept;  // 0 <= index < tier_count()
bool select_tier(const char* name) noexcept;  // false: unknown here

}  // namespace harsanyi
