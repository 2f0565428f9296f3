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

}  // namespace harsanyi
