// Elementwise steps of the sparse AND-OR decomposition (core/decompose.cpp has the method), one pass over memory each.
//
// A block of the splitting holds q = z + u with z = prox(q): soft thresholding at unit * weight for coefficients,
// clipping to a box for the noise term. Plain loops for the compiler to vectorise. No operation depends on the position
// of an entry, and sums run in eight lanes: every tier gives the same bits.
#pragma once

#include "kernels.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

HARSANYI_INLINE double absolute(double x) { return x < 0 ? -x : x; }
HARSANYI_INLINE double clip(double q, double bound) { return q > bound ? bound : (q < -bound ? -bound : q); }

// Written as a difference: minimum and maximum become vector instructions, a comparison of signs does not. An infinite
// threshold gives 0.
HARSANYI_INLINE double soft(double q, double threshold) { return q - clip(q, threshold); }

// With p = x + sign * shift, the projected point: q += relaxation * (p - z), then x = 2 z' - q': the over-relaxed step
// and the reflection that the next one projects. A null shift is zero.
inline void soft_step(size_t count, double relaxation, double unit, const double* weight, double sign,
                      const double* shift, double* q, double* x) {
  const auto update = [&](size_t i, double p) {
    const double threshold = unit * weight[i];
    const double next = q[i] + relaxation * (p - soft(q[i], threshold));
    q[i] = next;
    x[i] = 2 * soft(next, threshold) - next;
  };
  if (shift == nullptr) {
    for (size_t i = 0; i < count; ++i) update(i, x[i]);
  } else {
    for (size_t i = 0; i < count; ++i) update(i, x[i] + sign * shift[i]);
  }
}

inline void clip_step(size_t count, double relaxation, double bound, const double* shift, double* q, double* x) {
  for (size_t i = 0; i < count; ++i) {
    const double next = q[i] + relaxation * (x[i] - shift[i] - clip(q[i], bound));
    q[i] = next;
    x[i] = 2 * clip(next, bound) - next;
  }
}

inline void soft_threshold(size_t count, double unit, const double* weight, const double* q, double* z) {
  for (size_t i = 0; i < count; ++i) z[i] = soft(q[i], unit * weight[i]);
}

// u = q - z, the multiplier of a coefficient, and x += q - z, that of the noise term.
inline void soft_excess(size_t count, double unit, const double* weight, const double* q, double* u) {
  for (size_t i = 0; i < count; ++i) u[i] = q[i] - soft(q[i], unit * weight[i]);
}
inline void clip_excess(size_t count, double bound, const double* q, double* x) {
  for (size_t i = 0; i < count; ++i) x[i] += q[i] - clip(q[i], bound);
}

// x += sign * (v - origin - noise), noise = clip(q) or, for a null q, zero.
inline void add_target(size_t count, double sign, const double* v, double origin, double bound, const double* q,
                       double* x) {
  if (q == nullptr) {
    for (size_t i = 0; i < count; ++i) x[i] += sign * (v[i] - origin);
  } else {
    for (size_t i = 0; i < count; ++i) x[i] += sign * (v[i] - origin - clip(q[i], bound));
  }
}

// a <- a - o + x - (v - origin): the violation of the constraint, o with the sign of OR interactions.
inline void residual(size_t count, const double* v, double origin, const double* x, const double* o, double* a) {
  for (size_t i = 0; i < count; ++i) a[i] = a[i] - o[i] + x[i] - (v[i] - origin);
}

// In the common basis of the pencil the constraint is a + s o = v, entry by entry: the nearest point on it.
inline void project_pairs(size_t count, const double* s, const double* v, double* a, double* o) {
  for (size_t i = 0; i < count; ++i) {
    const double excess = (a[i] + s[i] * o[i] - v[i]) / (1 + s[i] * s[i]);
    a[i] -= excess;
    o[i] -= s[i] * excess;
  }
}

// The multiplier that explains (a, o) best there: a <- (a + s o) / (1 + s^2).
inline void weigh_pairs(size_t count, const double* s, const double* o, double* a) {
  for (size_t i = 0; i < count; ++i) a[i] = (a[i] + s[i] * o[i]) / (1 + s[i] * s[i]);
}

// Clebsch-Gordan couplings of pairs of rows: (lo, hi) <- (c lo + s hi, s lo - c hi), each its own inverse.
inline void couple_rows(const SpinPair* pairs, int64_t count, size_t stride, size_t columns, double* x) {
  for (int64_t p = 0; p < count; ++p) {
    const double c = pairs[p].c, s = pairs[p].s;
    double* lo = x + static_cast<size_t>(pairs[p].low) * stride;
    double* hi = x + static_cast<size_t>(pairs[p].high) * stride;
    for (size_t i = 0; i < columns; ++i) {
      const double low = lo[i], high = hi[i];
      lo[i] = c * low + s * high;
      hi[i] = s * low - c * high;
    }
  }
}

// out[rows] = block * x[rows] for `count` rows of Width entries and a symmetric block.
template <int Width>
void apply_block_of(int count, const double* block, const int32_t* rows, const double* x, double* out) {
  constexpr int lanes = Width < Vector<double>::lanes ? Width : Vector<double>::lanes;
  typedef double V __attribute__((vector_size(lanes * sizeof(double)), aligned(sizeof(double)), may_alias));
  constexpr int parts = Width / lanes;
  const size_t side = static_cast<size_t>(count) * Width;
  for (int i = 0; i < count; ++i) {
    V sums[parts] = {};
    const double* column = block + i * Width;
    for (int j = 0; j < count; ++j) {
      const double* row = x + static_cast<size_t>(rows[j]) * Width;
#pragma GCC unroll 8
      for (int q = 0; q < Width; ++q, column += side) {
#pragma GCC unroll 8
        for (int p = 0; p < parts; ++p) sums[p] += row[q] * *reinterpret_cast<const V*>(column + p * lanes);
      }
    }
    double* to = out + static_cast<size_t>(rows[i]) * Width;
    for (int p = 0; p < parts; ++p) *reinterpret_cast<V*>(to + p * lanes) = sums[p];
  }
}

inline void apply_block(int dense, int count, const double* block, const int32_t* rows, const double* x, double* out) {
  switch (dense) {
    case 0: return apply_block_of<1>(count, block, rows, x, out);
    case 1: return apply_block_of<2>(count, block, rows, x, out);
    case 2: return apply_block_of<4>(count, block, rows, x, out);
    default: return apply_block_of<8>(count, block, rows, x, out);
  }
}

// term(i) summed over 0..count-1 in eight lanes.
template <class F>
HARSANYI_INLINE double sum_of(size_t count, const F& term) {
  double sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t l = 0; l < 8; ++l) sums[l] += term(i + l);
  }
  for (; i < count; ++i) sums[i & 7] += term(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

inline double sum(size_t count, const double* x) {
  return sum_of(count, [&](size_t i) { return x[i]; });
}

// sum of weight * |x|; an excluded set (infinite weight) costs nothing where x is zero.
inline double weighted_l1(size_t count, const double* weight, const double* x) {
  return sum_of(count, [&](size_t i) {
    const double size = absolute(x[i]), cost = weight[i] * size;
    return size > 0 ? cost : 0.0;
  });
}

// y -= mean; product: sum of (v - origin) y; size: sum of |y|.
inline void dual_sums(size_t count, const double* v, double origin, double mean, double* y, double* product,
                      double* size) {
  for (size_t i = 0; i < count; ++i) y[i] -= mean;
  *product = sum_of(count, [&](size_t i) { return (v[i] - origin) * y[i]; });
  *size = sum_of(count, [&](size_t i) { return absolute(y[i]); });
}

// max of |x| / weight over positive weights.
inline double normalised_max(size_t count, const double* weight, const double* x) {
  double most[8] = {};
  for (size_t i = 0; i < count; ++i) {
    const double ratio = absolute(x[i]) / weight[i], size = weight[i] > 0 ? ratio : 0.0;
    most[i & 7] = size > most[i & 7] ? size : most[i & 7];
  }
  for (int l = 1; l < 8; ++l) most[0] = most[l] > most[0] ? most[l] : most[0];
  return most[0];
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
