// What a decomposition on a device needs besides its games: tables by order, and for the noise term the rotations and
// the eigenvectors of the blocks of core/spin.hpp. Built on the host, read on the device.
//
// The blocks' inverses change with the scale of the noise block. From block = V diag(lambda) V^T they are
// V diag(1 / (lambda + ridge)) V^T: sums of products, without the divisions in sequence of a factorisation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../lattice/bits.hpp"
#include "harsanyi/harsanyi.h"

namespace harsanyi {

// The head of a plan; parts are given in bytes from its start.
struct DecomposePlanHead {
  static constexpr int kOrders = HARSANYI_MAX_DECOMPOSE_PLAYERS + 1;
  static constexpr int kMostSpins = 10;  // d = coupled, coupled - 2, ...
  static constexpr int kMostLevels = 20;

  int32_t n, noise;
  int32_t excluded, band_from, band_to;
  int32_t dense, coupled, spins;
  double weight[kOrders];   // by order
  double ratio[kOrders];    // D^(1/2) of the pencil
  double inverse[kOrders];  // 1 / (1 + D)
  // Without noise, of the affine block (affine.hpp): its tables by order, and B^T M^-1 B / c^2.
  double affine_constant[kOrders], affine_total[kOrders], affine_members[kOrders];
  double constant, own, other;
  int32_t level_begin[kMostLevels + 1];
  int32_t side[kMostSpins], paths[kMostSpins];
  int32_t first_row[kMostSpins];    // of its paths, in rows
  int32_t first_value[kMostSpins];  // in values
  int32_t first_entry[kMostSpins];  // in vectors and in an inverse
  int32_t entries;                  // of all blocks
  // Tables: of 2**coupled pairs the c and s of their rotation, their two row numbers, and then the rows of the paths;
  // vectors: V^T of each block.
  uint32_t tables_at, values_at, vectors_at, bytes;
};

// Bytes of the tables.
HARSANYI_HD constexpr size_t pair_table_bytes(int coupled) noexcept {
  return (2 * sizeof(double) + 3 * sizeof(int32_t)) << coupled;
}

// Entries of all blocks of the noise term: an inverse has as many.
inline size_t block_entries(int n) noexcept {
  const int dense = n < 3 ? n : 3;
  size_t entries = 0;
  for (int d = n - dense; d >= 0; d -= 2) {
    const size_t side = (static_cast<size_t>(d) + 1) << dense;
    entries += side * side;
  }
  return entries;
}

// Bytes of memory to build a plan in; its own, DecomposePlanHead::bytes of them, come first.
size_t decompose_plan_bytes(int n, bool noise) noexcept;
void build_decompose_plan(const harsanyi_decompose_options& options, int n, bool noise, void* memory) noexcept;

}  // namespace harsanyi
