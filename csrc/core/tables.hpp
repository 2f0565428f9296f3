// Tables by order, which kernels read instead of a vector by set: rows of kTableRow sets, one row for each number of
// players above those (by_rows in cpu/sparse.inl.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../lattice/bits.hpp"
#include "harsanyi/harsanyi.h"
#include "kernels.hpp"

namespace harsanyi {

// The place of a set.
inline size_t table_place(size_t set) noexcept {
  return static_cast<size_t>(order(set / kTableRow)) * kTableRow + set % kTableRow;
}

// of(m) for all sets of m players among n.
template <class T, class F>
void fill_table(int n, T* table, const F& of) noexcept {
  T by_order[HARSANYI_MAX_DECOMPOSE_PLAYERS + 1];
  for (int m = 0; m <= n; ++m) by_order[m] = static_cast<T>(of(m));
  uint8_t orders[kTableRow] = {};
  for (size_t low = 1; low < kTableRow; ++low) orders[low] = static_cast<uint8_t>(orders[low & (low - 1)] + 1);
  for (int high = 0; high <= n; ++high) {
    for (size_t low = 0; low < kTableRow; ++low) *table++ = by_order[std::min(high + orders[low], n)];  // some unread
  }
}

}  // namespace harsanyi
