// Elementwise steps of the sparse AND-OR decomposition (core/decompose.hpp has the method), one pass over memory each.
//
// A block of the splitting holds q = z + u with z = prox(q): soft thresholding for coefficients, clipping to a box for
// the noise term. What depends on the order of a subset alone comes from tables of one row per order, so no vector of
// weights is read. Plain loops for the compiler to vectorise. No operation depends on the position of an entry, and
// sums run in 64 bytes of lanes: every tier that has fused operations gives the same bits.
#pragma once

#include <type_traits>

#include "kernels.hpp"
#include "spin.inl.hpp"
#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

template <class T>
constexpr size_t kSumLanes = 64 / sizeof(T);

template <class T>
HARSANYI_INLINE T absolute(T x) {
  return x < 0 ? -x : x;
}
template <class T>
HARSANYI_INLINE T clip(T q, T bound) {
  return q > bound ? bound : (q < -bound ? -bound : q);
}

// run(begin, count, row) over pieces whose entries share the order of their high bits: row is that order's table.
// `first` is the subset of entry 0, a multiple of kTableRow.
template <class T, class F>
HARSANYI_INLINE void by_rows(size_t first, size_t count, const T* table, const F& run) {
  for (size_t begin = 0; begin < count; begin += kTableRow) {
    const int high = __builtin_popcountll((first + begin) / kTableRow);
    run(begin, count - begin < kTableRow ? count - begin : kTableRow, table + static_cast<size_t>(high) * kTableRow);
  }
}

// Lane-wise sums of term(i) over 0..count-1.
template <class T, class F>
HARSANYI_INLINE void add_terms(size_t count, T (&sums)[kSumLanes<T>], const F& term) {
  constexpr size_t lanes = kSumLanes<T>;
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (size_t l = 0; l < lanes; ++l) sums[l] += term(i + l);
  }
  for (; i < count; ++i) sums[i % lanes] += term(i);
}
template <class T>
HARSANYI_INLINE double total(const T (&sums)[kSumLanes<T>]) {
  double out = 0;
  for (size_t l = 0; l < kSumLanes<T>; ++l) out += static_cast<double>(sums[l]);
  return out;
}
template <class T, class F>
HARSANYI_INLINE double sum_of(size_t count, const F& term) {
  T sums[kSumLanes<T>] = {};
  add_terms<T>(count, sums, term);
  return total<T>(sums);
}

// run(begin, count, prox) with prox(i, q) of entry begin + i. Soft thresholding is written as a difference: minimum and
// maximum become vector instructions, a comparison of signs does not; an infinite threshold gives 0.
template <class T, class F>
HARSANYI_INLINE void with_prox(const Prox<T>& p, size_t first, size_t count, const F& run) {
  const T unit = p.unit, free_from = p.free_from;
  if (p.weight == nullptr) {
    run(size_t{0}, count, [=](size_t, T q) { return clip(q, unit); });
  } else if (free_from == static_cast<T>(INFINITY)) {
    by_rows(first, count, p.weight, [&](size_t begin, size_t m, const T* __restrict w) {
      run(begin, m, [=](size_t i, T q) { return q - clip(q, unit * w[i]); });
    });
  } else {
    by_rows(first, count, p.weight, [&](size_t begin, size_t m, const T* __restrict w) {
      run(begin, m, [=](size_t i, T q) {
        const T threshold = unit * w[i], z = q - clip(q, threshold);
        return absolute(q) > free_from + threshold ? q : z;
      });
    });
  }
}

// One entry (X = T) or a vector of them, at `at`: a step from the projected point p, which is x or, if Moved, what q
// reflects to plus factor * move. With c = clip(q) at the bound, prox(q) is q - c for soft thresholding and c for
// clipping to a box. Returns half the step, p - prox(q).
template <class T, bool Soft, bool Moved, class X>
HARSANYI_INLINE X advance_entry(const Step<T>& step, T unit, const T* weight, size_t at, T* q, T* x, const T* anchor) {
  const X bound = Soft ? unit * get<X>(weight + at) : X{} + unit, from = get<X>(q + at), c = clip(from, bound);
  X half;
  if constexpr (Moved) {
    half = step.factor * get<X>(step.move + at) + (Soft ? -c : c - from);
  } else {
    half = get<X>(x + at) - (Soft ? from - c : c);
  }
  const X next = fused(X{} + step.keep, fused(X{} + 2, half, from), step.pull * get<X>(anchor + at));
  const X clipped = clip(next, bound);
  put<X, false>(q + at, next);
  if constexpr (Soft || !Moved)
    put<X, false>(x + at, Soft ? fused(X{} + -2, clipped, next) : fused(X{} + 2, clipped, -next));
  return half;
}

// 64 bytes of lanes at a time, so that the sums are those of every other width.
template <class T, bool Soft, bool Moved>
HARSANYI_INLINE void advance_row(const Step<T>& step, T unit, const T* weight, size_t count, T* q, T* x,
                                 const T* anchor, T (&sums)[kSumLanes<T>]) {
  using V = typename Vector<T>::type;
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes), parts = kSumLanes<T> / lanes;
  V total[parts];
  for (size_t p = 0; p < parts; ++p) total[p] = load(sums + p * lanes);
  size_t i = 0;
  for (; i + kSumLanes<T> <= count; i += kSumLanes<T>) {
#pragma GCC unroll 8
    for (size_t p = 0; p < parts; ++p) {
      const V half = advance_entry<T, Soft, Moved, V>(step, unit, weight, i + p * lanes, q, x, anchor);
      total[p] = fused(half, half, total[p]);
    }
  }
  for (size_t p = 0; p < parts; ++p) store(sums + p * lanes, total[p]);
  for (; i < count; ++i) {
    const T half = advance_entry<T, Soft, Moved, T>(step, unit, weight, i, q, x, anchor);
    sums[i % kSumLanes<T>] = fused(half, half, sums[i % kSumLanes<T>]);
  }
}

template <class T, bool Moved>
double advance_from_entry(Step<T> step, const Prox<T>& prox, size_t first, size_t count, T* q, T* x, const T* anchor) {
  T sums[kSumLanes<T>] = {};
  if (prox.weight == nullptr) {
    advance_row<T, false, Moved>(step, prox.unit, nullptr, count, q, x, anchor, sums);
  } else {
    by_rows(first, count, prox.weight, [&](size_t begin, size_t m, const T* w) {
      Step<T> here = step;
      if (Moved) here.move += begin;
      advance_row<T, true, Moved>(here, prox.unit, w, m, q + begin, x + begin, anchor + begin, sums);
    });
  }
  return 4 * total<T>(sums);
}

// With the projected point p: g = q + 2 (p - prox(q)) is the reflected step, q' = keep g + pull anchor Halpern's, and
// x = 2 prox(q') - q' what the next step projects; of a box that moves it is not written. x may be the move. Returns
// the sum of (g - q)^2.
template <class T>
double advance(const Step<T>& step, const Prox<T>& prox, size_t first, size_t count, T* q, T* x, const T* anchor) {
  if (prox.free_from == static_cast<T>(INFINITY)) {
    if (step.move != nullptr) return advance_from_entry<T, true>(step, prox, first, count, q, x, anchor);
    return advance_from_entry<T, false>(step, prox, first, count, q, x, anchor);
  }
  T sums[kSumLanes<T>] = {};
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    add_terms<T>(m, sums, [&](size_t i) {
      const size_t at = begin + i;
      const T way = 2 * (x[at] - z(i, q[at])), next = step.keep * (q[at] + way) + step.pull * anchor[at];
      q[at] = next;
      x[at] = 2 * z(i, next) - next;
      return way * way;
    });
  });
  return total<T>(sums);
}

template <class T>
void reflect(const Prox<T>& prox, size_t first, size_t count, const T* q, T* x) {
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    for (size_t i = begin; i < begin + m; ++i) x[i] = 2 * z(i - begin, q[i]) - q[i];
  });
}

template <class T>
void apply_prox(const Prox<T>& prox, size_t first, size_t count, const T* q, T* out) {
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    for (size_t i = begin; i < begin + m; ++i) out[i] = z(i - begin, q[i]);
  });
}

// The multiplier u = q - prox(q).
template <class T>
void excess(const Prox<T>& prox, size_t first, size_t count, const T* q, T* u) {
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    for (size_t i = begin; i < begin + m; ++i) u[i] = q[i] - z(i - begin, q[i]);
  });
}

// x <- sign * (x + factor * (clip(x) - x)), clipped at the thresholds.
template <class T>
void relax(const Prox<T>& prox, size_t first, size_t count, T factor, T sign, T* x) {
  const T keep = sign * (1 - factor), move = sign * factor;
  if (prox.weight == nullptr) {
    for (size_t i = 0; i < count; ++i) x[i] = keep * x[i] + move * clip(x[i], prox.unit);
    return;
  }
  by_rows(first, count, prox.weight, [&](size_t begin, size_t m, const T* __restrict w) {
    T* __restrict to = x + begin;
    for (size_t i = 0; i < m; ++i) to[i] = keep * to[i] + move * clip(to[i], prox.unit * w[i]);
  });
}

// Squared distances of z = prox(q) and of u = q - z from those of the anchor.
template <class T>
void moved(const Prox<T>& prox, size_t first, size_t count, const T* q, const T* anchor, double* near, double* dual) {
  T dz[kSumLanes<T>] = {}, du[kSumLanes<T>] = {};
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    const T* to = q + begin;
    const T* from = anchor + begin;
    add_terms<T>(m, dz, [&](size_t i) {
      const T shift = z(i, to[i]) - z(i, from[i]);
      return shift * shift;
    });
    add_terms<T>(m, du, [&](size_t i) {
      const T shift = (to[i] - from[i]) - (z(i, to[i]) - z(i, from[i]));
      return shift * shift;
    });
  });
  *near = total<T>(dz);
  *dual = total<T>(du);
}

// Starts again from q with all multipliers times `factor`; the caller scales the threshold with them.
template <class T>
void restart(const Prox<T>& prox, size_t first, size_t count, T factor, T* q, T* anchor, T* x) {
  with_prox(prox, first, count, [&](size_t begin, size_t m, const auto& z) {
    for (size_t i = begin; i < begin + m; ++i) {
      const T near = z(i - begin, q[i]), u = factor * (q[i] - near);
      anchor[i] = q[i] = near + u;
      x[i] = near - u;
    }
  });
}

// ---- several networks together: prox(q) is stored, since it couples them ----

template <class T>
double advance_from(size_t count, T keep, T pull, const T* z, T* q, const T* x, const T* anchor) {
  return sum_of<T>(count, [&](size_t i) {
    const T step = 2 * (x[i] - z[i]);
    q[i] = keep * (q[i] + step) + pull * anchor[i];
    return step * step;
  });
}

// The norm (1 - alpha) max_k |x_k| + alpha sum_k |x_k| of each entry, x_k = x[k * stride + i]: its prox at
// unit * weight, soft thresholding first, then what is left less its projection on the l1 ball of the other radius.
template <class T>
void joint_prox(const Prox<T>& prox, T alpha, int networks, size_t stride, size_t first, size_t count, const T* q,
                T* z) {
  by_rows(first, count, prox.weight, [&](size_t begin, size_t m, const T* w) {
    for (size_t i = begin; i < begin + m; ++i) {
      const T threshold = prox.unit * w[i - begin], radius = (1 - alpha) * threshold;
      T left[kMaxNetworks], sorted[kMaxNetworks], all = 0;
      for (int k = 0; k < networks; ++k) {
        const T value = q[static_cast<size_t>(k) * stride + i];
        left[k] = alpha > 0 ? value - clip(value, alpha * threshold) : value;
        const T size = absolute(left[k]);
        all += size;
        int at = k;
        for (; at > 0 && sorted[at - 1] < size; --at) sorted[at] = sorted[at - 1];
        sorted[at] = size;
      }
      T cap = 0;  // what the largest ones are cut down to; 0 where the ball holds them all
      if (all > radius) {
        T together = 0;
        for (int k = 0; k < networks; ++k) {
          together += sorted[k];
          const T level = (together - radius) / static_cast<T>(k + 1);
          if (level <= sorted[k]) cap = level;
        }
      }
      for (int k = 0; k < networks; ++k) z[static_cast<size_t>(k) * stride + i] = clip(left[k], cap);
    }
  });
}

// sum of weight times that norm of x.
template <class T>
double joint_cost(T alpha, int networks, size_t stride, size_t first, size_t count, const T* weight, const T* x) {
  T sums[kSumLanes<T>] = {};
  by_rows(first, count, weight, [&](size_t begin, size_t m, const T* w) {
    add_terms<T>(m, sums, [&](size_t i) {
      T most = 0, all = 0;
      for (int k = 0; k < networks; ++k) {
        const T size = absolute(x[static_cast<size_t>(k) * stride + begin + i]);
        all += size;
        most = size > most ? size : most;
      }
      const T price = w[i] * ((1 - alpha) * most + alpha * all);
      return all > 0 ? price : T{0};
    });
  });
  return total<T>(sums);
}

// max of the dual norm over weight: max_j (sum of the j largest |x_k|) / ((1 - alpha) + alpha j).
template <class T>
double joint_max(T alpha, int networks, size_t stride, size_t first, size_t count, const T* weight, const T* x) {
  T most = 0;
  by_rows(first, count, weight, [&](size_t begin, size_t m, const T* w) {
    for (size_t i = 0; i < m; ++i) {
      if (!(w[i] > 0)) continue;
      T sorted[kMaxNetworks], together = 0;
      for (int k = 0; k < networks; ++k) {
        const T size = absolute(x[static_cast<size_t>(k) * stride + begin + i]);
        int at = k;
        for (; at > 0 && sorted[at - 1] < size; --at) sorted[at] = sorted[at - 1];
        sorted[at] = size;
      }
      for (int k = 0; k < networks; ++k) {
        together += sorted[k];
        const T norm = together / ((1 - alpha) + alpha * static_cast<T>(k + 1)) / w[i];
        most = norm > most ? norm : most;
      }
    }
  });
  return static_cast<double>(most);
}

// a <- a - o + scale * d - (v - origin): the violation of the constraint by a pair's images and noise, d first
// reflected at its box (bound infinite: not). o, d may be null.
template <class T>
void residual(size_t count, const double* v, double origin, const T* o, T scale, T bound, const T* d, T* a) {
  const auto run = [&](auto has_o, auto has_d) {
    for (size_t i = 0; i < count; ++i) {
      const T pair = has_o ? a[i] - o[i] : a[i];
      a[i] = (has_d ? fused(scale, 2 * clip(d[i], bound) - d[i], pair) : pair) - static_cast<T>(v[i] - origin);
    }
  };
  using Yes = std::true_type;
  using No = std::false_type;
  if (o != nullptr) return d != nullptr ? run(Yes{}, Yes{}) : run(Yes{}, No{});
  return d != nullptr ? run(No{}, Yes{}) : run(No{}, No{});
}

// x += sign * y
template <class T>
void add(size_t count, T sign, const T* y, T* x) {
  for (size_t i = 0; i < count; ++i) x[i] += sign * y[i];
}

// rest <- rest - delta and out <- delta, with delta = rest clipped to the box; a null out is not written.
template <class T>
void split_noise(size_t count, T bound, T* rest, T* out) {
  for (size_t i = 0; i < count; ++i) {
    const T delta = clip(rest[i], bound);
    rest[i] -= delta;
    if (out != nullptr) out[i] = delta;
  }
}

// x += constant +- (total + sum of e over the set's players), each times its function of the order; kind 0 is AND.
template <class T>
void add_affine(int kind, const AffineTables<T>& tables, const AffineTerm<T>& term, size_t first, size_t count, T* x) {
  const T sign = kind == 0 ? 1 : -1;
  by_rows(first, count, tables.constant, [&](size_t begin, size_t m, const T* __restrict constant) {
    const T* __restrict total = tables.total + (constant - tables.constant);
    const T* __restrict members = tables.members + (constant - tables.constant);
    T* __restrict to = x + begin;
    T high = 0;
    for (size_t set = first + begin; set != 0; set &= set - 1) high += term.player[__builtin_ctzll(set)];
    for (size_t i = 0; i < m; ++i) {
      to[i] += term.constant * constant[i] + sign * (term.total * total[i] + members[i] * (high + term.low[i]));
    }
  });
}

template <class T>
double sum(size_t count, const T* x) {
  return sum_of<T>(count, [&](size_t i) { return x[i]; });
}

// sum of weight * |x|; an excluded set (infinite weight) costs nothing where x is zero.
template <class T>
double weighted_l1(size_t first, size_t count, const T* weight, const T* x) {
  T sums[kSumLanes<T>] = {};
  by_rows(first, count, weight, [&](size_t begin, size_t m, const T* w) {
    add_terms<T>(m, sums, [&](size_t i) {
      const T size = absolute(x[begin + i]), price = w[i] * size;
      return size > 0 ? price : T{0};
    });
  });
  return total<T>(sums);
}

// y -= mean; product: sum of (v - origin) y; size: sum of |y|.
template <class T>
void dual_sums(size_t count, const double* v, double origin, T mean, T* y, double* product, double* size) {
  for (size_t i = 0; i < count; ++i) y[i] -= mean;
  *product = sum_of<T>(count, [&](size_t i) { return static_cast<T>(v[i] - origin) * y[i]; });
  *size = sum_of<T>(count, [&](size_t i) { return absolute(y[i]); });
}

// max of |x - shift * halves| times the inverse weight; halves: 2 to the power -order.
template <class T>
double normalised_max(size_t first, size_t count, const T* inverse, T shift, const T* halves, const T* x) {
  constexpr size_t lanes = kSumLanes<T>;
  T most[lanes] = {};
  by_rows(first, count, inverse, [&](size_t begin, size_t m, const T* d) {
    const T* const half = halves + (d - inverse);
    for (size_t i = 0; i < m; i += lanes) {
      const size_t end = m - i < lanes ? m - i : lanes;
      for (size_t l = 0; l < end; ++l) {
        const T size = absolute(x[begin + i + l] - shift * half[i + l]) * d[i + l];
        most[l] = size > most[l] ? size : most[l];
      }
    }
  });
  for (size_t l = 1; l < lanes; ++l) most[0] = most[l] > most[0] ? most[l] : most[0];
  return static_cast<double>(most[0]);
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
