// Checks of arguments that several parts of the C ABI share.
#pragma once

#include "../lattice/bits.hpp"
#include "arena.hpp"
#include "harsanyi/harsanyi.h"
#include "status.hpp"

namespace harsanyi {

constexpr harsanyi_status bad = HARSANYI_ERROR_ARGUMENT;

inline bool known(harsanyi_dtype dtype) {
  return dtype == HARSANYI_F32 || dtype == HARSANYI_F64 || dtype == HARSANYI_I64;
}
inline bool is_lattice(int n) { return n >= 0 && n <= kMaxLatticePlayers; }

inline harsanyi_status check_lattice(harsanyi_dtype dtype, int n, int64_t batch) {
  if (!known(dtype)) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: %d is none of HARSANYI_F32, _F64, _I64", dtype);
  if (!is_lattice(n)) return fail(bad, "n: %d is outside 0..%d", n, kMaxLatticePlayers);
  if (batch < 0 || batch > (INT64_MAX >> (n + 3))) {
    return fail(bad, "batch: %lld vectors", static_cast<long long>(batch));
  }
  return HARSANYI_OK;
}

// Of a batch that goes from one buffer to another of the same size, or to itself.
inline harsanyi_status check_buffers(const void* src, const void* dst, size_t bytes) {
  if (src == nullptr || dst == nullptr) return fail(bad, "src, dst: null pointer");
  const uintptr_t x = reinterpret_cast<uintptr_t>(src), y = reinterpret_cast<uintptr_t>(dst);
  if (x == y || (x < y ? y - x : x - y) >= bytes) return HARSANYI_OK;
  return fail(bad, "src, dst: buffers overlap without being the same");
}

inline harsanyi_status check_workspace(size_t need, const void* workspace, size_t bytes) {
  if (bytes >= need && (need == 0 || workspace != nullptr)) return HARSANYI_OK;
  return fail(HARSANYI_ERROR_WORKSPACE, "workspace: %zu bytes given, %zu needed", bytes, need);
}

// Of functions of subsets as integers.
inline harsanyi_status check_players(int n) {
  if (n >= 0 && n <= kMaxSubsetPlayers) return HARSANYI_OK;
  return fail(bad, "n: %d is outside 0..%d", n, kMaxSubsetPlayers);
}

// Of a sample, but for the players' numbers.
inline harsanyi_status check_draw(int n, const int32_t* players, int candidates, int size, int64_t count,
                                  const void* out) {
  if (n < 0 || candidates < 0 || candidates > n) return fail(bad, "candidates: %d of n = %d players", candidates, n);
  if (size < 0 || size > candidates) return fail(bad, "size: %d is outside 0..%d", size, candidates);
  if (count < 0) return fail(bad, "count: must not be negative");
  if (count > 0 && ((candidates > 0 && players == nullptr) || out == nullptr)) {
    return fail(bad, "players, out: null pointer");
  }
  return HARSANYI_OK;
}

// Of `count` entries that go from one array to another.
inline harsanyi_status check_each(int64_t count, const void* from, const void* to, const char* names) {
  if (count >= 0 && (count == 0 || (from != nullptr && to != nullptr))) return HARSANYI_OK;
  return fail(bad, "%s: null pointer", names);
}

// Of subsets as integers and as masks, in whichever direction; masks of no players are not touched.
inline harsanyi_status check_masks(int n, int64_t count, const void* subsets, const void* masks, const char* names) {
  if (const harsanyi_status status = check_players(n)) return status;
  return check_each(count, subsets, n > 0 ? masks : subsets, names);
}

inline harsanyi_status check_order(int n, int k) {
  if (const harsanyi_status status = check_players(n)) return status;
  return k >= 0 && k <= n ? HARSANYI_OK : fail(bad, "k: %d is outside 0..%d", k, n);
}

// Of a masked batch, but for the elements' players.
inline harsanyi_status check_masked_batch(size_t element_bytes, int64_t elements, const void* sample,
                                          const void* baseline, const int32_t* player, int n, int64_t rows,
                                          const void* sets, const void* out) {
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4 && element_bytes != 8) {
    return fail(HARSANYI_ERROR_UNSUPPORTED, "element_bytes: %zu is none of 1, 2, 4, 8", element_bytes);
  }
  if (elements < 0 || rows < 0 || n < 0) return fail(bad, "elements, rows, n: must not be negative");
  if (elements == 0 || rows == 0) return HARSANYI_OK;
  if (!sample || !baseline || !player || !sets || !out) return fail(bad, "masked batch: null pointer");
  return HARSANYI_OK;
}

}  // namespace harsanyi
