// Per-order reductions and per-player sums of lattice vectors, one pass over each.
//
// Entry S = 16 h + l has order |h| + |l|: sixteen accumulators, one for each l, are kept for every |h|, so the inner
// loop is a plain vector addition and no order is looked up per entry. Sums in f64, always in the same sequence. An
// entry's error is at most 2**n eps sum|x|, in practice far less.
#pragma once

#include "../lattice/bits.hpp"
#include "kernels.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

struct OrderBins {
  static constexpr int lanes = 16;
  double positive[kMaxLatticePlayers + 1][lanes];
  double negative[kMaxLatticePlayers + 1][lanes];
  int64_t count[kMaxLatticePlayers + 1][lanes];
};

// The comparison `x > 0` sends a NaN to the negative part, so it reaches the sum and the absolute sum.
template <class T, bool SalientOnly>
void fill_bins(const T* x, size_t groups, int width, double threshold, OrderBins& bins) {
  for (size_t h = 0; h < groups; ++h, x += width) {
    const int row = order(h);
    double* positive = bins.positive[row];
    double* negative = bins.negative[row];
    int64_t* count = bins.count[row];
    const auto add = [&](int lane) {
      const double value = static_cast<double>(x[lane]);
      const double size = value > 0 ? value : -value;
      const bool small = size <= threshold;
      const double kept = SalientOnly && small ? 0.0 : value;
      positive[lane] += kept > 0 ? kept : 0.0;
      negative[lane] += kept > 0 ? 0.0 : -kept;
      count[lane] += small ? 0 : 1;
    };
    if (width == OrderBins::lanes) {
      for (int lane = 0; lane < OrderBins::lanes; ++lane) add(lane);
    } else {
      for (int lane = 0; lane < width; ++lane) add(lane);
    }
  }
}

template <class T>
void reduce_orders(const T* x, int n, double threshold, bool salient_only, double* positive, double* negative,
                   int64_t* count) {
  OrderBins bins = {};
  const int width = n < 4 ? 1 << n : OrderBins::lanes;
  const size_t groups = (size_t{1} << n) / static_cast<size_t>(width);
  if (salient_only) {
    fill_bins<T, true>(x, groups, width, threshold, bins);
  } else {
    fill_bins<T, false>(x, groups, width, threshold, bins);
  }
  for (int m = 0; m <= n; ++m) positive[m] = negative[m] = 0, count[m] = 0;
  for (int row = 0; row <= n; ++row) {
    for (int lane = 0; lane < width; ++lane) {
      const int m = row + order(static_cast<uint64_t>(lane));
      if (m > n) continue;
      positive[m] += bins.positive[row][lane];
      negative[m] += bins.negative[row][lane];
      count[m] += bins.count[row][lane];
    }
  }
}

// out[i] = sum over T containing i of weights[|T|] x[T]: the upper half of the weighted vector belongs to the top
// player; adding it to the lower half leaves the same problem for the others. 2 * 2**n additions. scratch: 2**(n-1)
// doubles.
template <class T>
void player_sums(const T* x, int n, const double* weights, double* out, double* scratch) {
  if (n == 0) return;
  size_t half = size_t{1} << (n - 1);
  double total = 0;
  const auto weighted = [&](size_t subset, const double* of_lane_order) {
    return of_lane_order[0] * static_cast<double>(x[subset]);
  };
  if (half < 8) {
    for (size_t s = 0; s < half; ++s) {
      const double high = weighted(s + half, weights + order(s) + 1);
      total += high;
      scratch[s] = weighted(s, weights + order(s)) + high;
    }
  } else {
    double lanes[8] = {};
    for (size_t s = 0; s < half; s += 8) {
      constexpr int lane_order[8] = {0, 1, 1, 2, 1, 2, 2, 3};
      const double* low_weights = weights + order(s);
      double low[8], high[8];
      for (int l = 0; l < 8; ++l) low[l] = low_weights[lane_order[l]] * static_cast<double>(x[s + l]);
      for (int l = 0; l < 8; ++l) high[l] = low_weights[lane_order[l] + 1] * static_cast<double>(x[s + half + l]);
      for (int l = 0; l < 8; ++l) lanes[l] += high[l];
      for (int l = 0; l < 8; ++l) scratch[s + l] = low[l] + high[l];
    }
    for (int l = 0; l < 8; ++l) total += lanes[l];
  }
  out[n - 1] = total;
  for (int player = n - 2; player >= 0; --player) {
    half >>= 1;
    double lanes[8] = {};
    size_t s = 0;
    for (; s + 8 <= half; s += 8) {
      for (int l = 0; l < 8; ++l) lanes[l] += scratch[s + half + l];
      for (int l = 0; l < 8; ++l) scratch[s + l] += scratch[s + half + l];
    }
    total = 0;
    for (int l = 0; l < 8; ++l) total += lanes[l];
    for (; s < half; ++s) {
      total += scratch[s + half];
      scratch[s] += scratch[s + half];
    }
    out[player] = total;
  }
}

inline void reduce_orders_of(Dtype dtype, const void* x, int n, double threshold, bool salient_only, double* positive,
                             double* negative, int64_t* count) {
  if (dtype == Dtype::f32) {
    return reduce_orders(static_cast<const float*>(x), n, threshold, salient_only, positive, negative, count);
  }
  return reduce_orders(static_cast<const double*>(x), n, threshold, salient_only, positive, negative, count);
}

inline void player_sums_of(Dtype dtype, const void* x, int n, const double* weights, double* out, double* scratch) {
  if (dtype == Dtype::f32) return player_sums(static_cast<const float*>(x), n, weights, out, scratch);
  return player_sums(static_cast<const double*>(x), n, weights, out, scratch);
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
