// Checks of the decomposition's options, the same for every device.
#pragma once

#include <cmath>

#include "checks.hpp"

namespace harsanyi {

inline harsanyi_status check_options(const harsanyi_decompose_options& options, int n) {
  if (options.dtype != HARSANYI_F64 && options.dtype != HARSANYI_F32) return fail(bad, "dtype: must be f32 or f64");
  if (!(options.gap >= 0)) return fail(bad, "gap: %g, must be at least 0", options.gap);
  if (options.max_steps < 1) return fail(bad, "max_steps: must be at least 1");
  if (options.check_every < 1) return fail(bad, "check_every: must be at least 1");
  if (!(options.penalty >= 0 && std::isfinite(options.penalty))) {
    return fail(bad, "penalty: %g, must be at least 0 and finite", options.penalty);
  }
  if (!(options.share >= 0 && options.share <= 1)) return fail(bad, "share: %g is outside 0..1", options.share);
  if (!(options.alpha >= 0 && options.alpha <= 1)) return fail(bad, "alpha: %g is outside 0..1", options.alpha);
  if (options.networks < 1 || options.networks > HARSANYI_MAX_NETWORKS) {
    return fail(bad, "networks: %d is outside 1..%d", options.networks, HARSANYI_MAX_NETWORKS);
  }
  if (options.share < 1 && options.networks > 1) return fail(bad, "share: below 1 for one network alone");
  if (options.and_only && options.networks > 1) return fail(bad, "and_only: for one network alone");
  if (options.weights == nullptr) return HARSANYI_OK;
  for (int m = 1; m <= n; ++m) {
    if (!(options.weights[m] >= 0)) return fail(bad, "weights[%d]: %g, must be at least 0", m, options.weights[m]);
    if (m > 1 && options.weights[m - 1] == 0 && options.weights[m] > 0) {
      return fail(bad, "weights[%d]: 0, but weights[%d] is not: only all orders above one can be free", m - 1, m);
    }
  }
  return HARSANYI_OK;
}

inline bool is_size(const harsanyi_decompose_options& options, int n, int64_t batch) {
  return n >= 0 && n <= HARSANYI_MAX_DECOMPOSE_PLAYERS && batch >= 0 && options.networks >= 1 &&
         options.networks <= HARSANYI_MAX_NETWORKS && batch <= (INT64_MAX >> (n + 3)) / options.networks;
}

inline harsanyi_status check_decompose(const harsanyi_decompose_options* options, int n, int64_t batch, bool noise) {
  if (options == nullptr) return fail(bad, "options: null pointer");
  if (n < 0 || n > HARSANYI_MAX_DECOMPOSE_PLAYERS) {
    return fail(bad, "n: %d players, must be within 0..%d", n, HARSANYI_MAX_DECOMPOSE_PLAYERS);
  }
  if (const harsanyi_status status = check_options(*options, n)) return status;
  if (!is_size(*options, n, batch)) return fail(bad, "batch: %lld samples", static_cast<long long>(batch));
  if (noise && options->dtype == HARSANYI_F32) return fail(bad, "dtype: f32 serves without noise only");
  return HARSANYI_OK;
}

}  // namespace harsanyi
