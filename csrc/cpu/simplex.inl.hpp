// Passes of the simplex methods over all subsets, and the products of their small inverse (core/simplex.hpp has
// the methods). No division and no branch an entry: rows in which one might change the result are looked at again.
#pragma once

#include "sparse.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// In each lane the largest of all, for S half of their number.
template <class T, int S>
HARSANYI_INLINE typename Vector<T>::type largest_lane(typename Vector<T>::type x) {
  if constexpr (S == 0) {
    return x;
  } else {
    const typename Vector<T>::type other = Lane<T>::template partner<S>(x);
    return largest_lane<T, S / 2>(x > other ? x : other);
  }
}

// Whether test(i, lanes) is above 0 in any lane, over 0..count-1: vectors of them, or one by one where there are fewer.
template <class T, class F>
HARSANYI_INLINE bool any_above(size_t count, const F& test) {
  using V = typename Vector<T>::type;
  constexpr size_t lanes = static_cast<size_t>(Vector<T>::lanes);
  size_t i = 0;
  V most = V{} - 1;
  for (; i + lanes <= count; i += lanes) {
    const V value = test(i, V{});
    most = value > most ? value : most;
  }
  T one = -1;
  for (; i < count; ++i) {
    const T value = test(i, T{0});
    one = value > one ? value : one;
  }
  return one > 0 || largest_lane<T, static_cast<int>(lanes) / 2>(most)[0] > 0;
}

// run(begin, count, cost) over rows of kTableRow subsets or fewer; cost(i, X) of an entry or a vector of them.
template <class T, class F>
HARSANYI_INLINE void by_costs(const ColumnCosts<T>& costs, size_t first, size_t count, const F& run) {
  by_rows(first, count, costs.weight, [&](size_t begin, size_t m, const T* w) {
    const T spread = static_cast<T>(costs.spread[((first + begin) / kTableRow * kSpread + costs.salt) % kTableRow]);
    const T* const low = costs.low;
    run(begin, m, [=](size_t i, auto x) {
      using X = decltype(x);
      return get<X>(w + i) * (1 + get<X>(low + i) * spread);
    });
  });
}

// What is left between +-g and the cost of an entry, in the direction in which g moves.
template <class X>
HARSANYI_INLINE X slack_of(X cost, X g, X move) {
  return cost - (move < 0 ? -g : g);
}

// min of (slack + tolerance) / |move| over the entries whose move counts, and `least`. rows: those that may hold an
// entry whose slack / |move| is no larger, *found of them.
template <class T>
double least_ratio(const ColumnCosts<T>& costs, size_t first, size_t count, double tolerance, double counts,
                   double least, const T* g, const T* move, uint32_t* rows, size_t* found) {
  const T tolerated = static_cast<T>(tolerance), counted = static_cast<T>(counts);
  *found = 0;
  by_costs(costs, first, count, [&](size_t begin, size_t m, const auto& cost) {
    const T *at = g + begin, *by = move + begin;
    const T limit = static_cast<T>(least);
    const bool any = any_above<T>(m, [&](size_t i, auto x) {
      using X = decltype(x);
      const X step = get<X>(by + i), size = absolute(step);
      const X under = limit * size - (slack_of(cost(i, x), get<X>(at + i), step) - tolerated);
      return size > counted ? under : X{} - 1;
    });
    if (!any) return;
    rows[(*found)++] = static_cast<uint32_t>(begin / kTableRow);
    for (size_t i = 0; i < m; ++i) {
      const T size = absolute(by[i]);
      if (!(size > counted)) continue;
      const double ratio = static_cast<double>((slack_of(cost(i, T{0}), at[i], by[i]) + tolerated) / size);
      least = ratio < least ? ratio : least;
    }
  });
  return least;
}

// Of the entries in these rows whose slack / |move| is at most `limit`, that with the largest |move| if that is above
// `most`: its |move|, its place in *which.
template <class T>
double largest_move(const ColumnCosts<T>& costs, size_t first, size_t count, double limit, double most, const T* g,
                    const T* move, const uint32_t* rows, size_t found, size_t* which) {
  for (size_t row = 0; row < found; ++row) {
    const size_t from = size_t{rows[row]} * kTableRow;
    by_costs(costs, first + from, count - from < kTableRow ? count - from : kTableRow,
             [&](size_t, size_t m, const auto& cost) {
               const T *at = g + from, *by = move + from;
               for (size_t i = 0; i < m; ++i) {
                 const double size = static_cast<double>(absolute(by[i]));
                 if (size > most && static_cast<double>(slack_of(cost(i, T{0}), at[i], by[i])) <= limit * size) {
                   most = size;
                   *which = from + i;
                 }
               }
             });
  }
  return most;
}

// Scores nearer than this are equal, and the first one counts: rounding must not choose among copies of one row.
constexpr double kTie = 1 + 1e-9;

// The rows' residuals after a step: d -= step * alpha, and their edges' squared lengths, by the steepest-edge rule. Of
// the residuals outside the box that with the largest excess^2 / length if it is above `most`: its place in *which.
template <class T>
double update_rows(const RowUpdate& by, size_t count, double most, const T* alpha, const T* tau, T* d, T* length,
                   size_t* which) {
  constexpr size_t piece = 64;
  const T step = static_cast<T>(by.step), per_pivot = static_cast<T>(by.per_pivot), box = static_cast<T>(by.box);
  const T edge_length = static_cast<T>(by.length);
  for (size_t begin = 0; begin < count; begin += piece) {
    const size_t m = count - begin < piece ? count - begin : piece;
    const T least_score = static_cast<T>(most);
    const bool any = any_above<T>(m, [&](size_t j, auto x) {
      using X = decltype(x);
      const size_t i = begin + j;
      const X by_step = get<X>(alpha + i), share = per_pivot * by_step;
      const X next = get<X>(d + i) - step * by_step, excess = absolute(next) - box;
      const X moved = get<X>(length + i) - share * (2 * get<X>(tau + i) - share * edge_length);
      const X least = 1 + share * share, edge = moved > least ? moved : least;
      put<X, false>(d + i, next);
      put<X, false>(length + i, edge);
      return excess > 0 ? excess * excess - least_score * edge : X{} - 1;
    });
    if (!any) continue;
    for (size_t i = begin; i < begin + m; ++i) {
      const double excess = static_cast<double>(absolute(d[i]) - box);
      const double score = excess * excess / static_cast<double>(length[i]);
      if (excess > 0 && score > kTie * most) {
        most = score;
        *which = i;
      }
    }
  }
  return most;
}

// Devex weights after a pivot in which the sums moved from `before` to g: at least (share * way)^2. Of the sums above
// their costs that with the largest excess^2 / weight if it is above best->score: its place in *which. best->norm
// becomes the largest |g| / cost, if that is above it.
template <class T>
void price(const ColumnCosts<T>& costs, size_t first, size_t count, double tolerance, double share, const T* g,
           const T* before, T* weight, Price* best, size_t* which) {
  const T tolerated = static_cast<T>(tolerance), part = static_cast<T>(share);
  double most = best->score, norm = best->norm;
  by_costs(costs, first, count, [&](size_t begin, size_t m, const auto& cost) {
    const T *at = g + begin, *was = before + begin;
    T* const w = weight + begin;
    const T least_score = static_cast<T>(most), least_norm = static_cast<T>(norm);
    const bool any = any_above<T>(m, [&](size_t i, auto x) {
      using X = decltype(x);
      const X sum = get<X>(at + i), way = part * (sum - get<X>(was + i)), moved = way * way, held = get<X>(w + i);
      const X next = moved > held ? moved : held;
      put<X, false>(w + i, next);
      const X price = cost(i, x), size = absolute(sum), wrong = size - price - tolerated;
      const X score = wrong > 0 ? wrong * wrong - least_score * next : X{} - 1, excess = size - least_norm * price;
      return score > excess ? score : excess;
    });
    if (!any) return;
    for (size_t i = 0; i < m; ++i) {
      const double of = static_cast<double>(cost(i, T{0})), size = static_cast<double>(absolute(at[i]));
      const double wrong = size - of - tolerance, held = static_cast<double>(w[i]);
      norm = size > norm * of ? size / of : norm;
      if (wrong > 0 && wrong * wrong > most * held) {
        most = wrong * wrong / held;
        *which = begin + i;
      }
    }
  });
  *best = {most, norm};
}

// sums += x^2
template <class T>
void add_squares(size_t count, const float* __restrict x, T* __restrict sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += static_cast<T>(x[i]) * static_cast<T>(x[i]);
}

// out = m x; m: `rows` rows of `columns`, `stride` apart, four at a time so that their additions overlap.
inline void multiply(const double* m, size_t stride, size_t rows, size_t columns, const double* x, double* out) {
  using V = Vector<double>::type;
  constexpr size_t lanes = kSumLanes<double>, width = static_cast<size_t>(Vector<double>::lanes), together = 4;
  for (size_t i = 0; i < rows; i += together) {
    const double* row[together];
    for (size_t r = 0; r < together; ++r) row[r] = m + (i + r < rows ? i + r : i) * stride;
    V sums[together][lanes / width] = {};
    size_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
#pragma GCC unroll 4
      for (size_t r = 0; r < together; ++r) {
#pragma GCC unroll 4
        for (size_t p = 0; p < lanes / width; ++p) {
          sums[r][p] += load(row[r] + j + p * width) * load(x + j + p * width);
        }
      }
    }
    for (size_t r = 0; r < together && i + r < rows; ++r) {
      double sum[lanes];
      for (size_t p = 0; p < lanes / width; ++p) store(sum + p * width, sums[r][p]);
      for (size_t at = j; at < columns; ++at) sum[at - j] += row[r][at] * x[at];
      out[i + r] = total<double>(sum);
    }
  }
}

// out = x m, skipping where x is zero.
inline void multiply_transposed(const double* m, size_t stride, size_t rows, size_t columns, const double* x,
                                double* __restrict out) {
  for (size_t j = 0; j < columns; ++j) out[j] = 0;
  for (size_t i = 0; i < rows; ++i) {
    if (x[i] == 0) continue;
    const double factor = x[i];
    const double* __restrict row = m + i * stride;
    for (size_t j = 0; j < columns; ++j) out[j] += factor * row[j];
  }
}

// m += factor * u z^T
inline void add_product(double factor, const double* u, const double* __restrict z, size_t stride, size_t rows,
                        size_t columns, double* m) {
  for (size_t i = 0; i < rows; ++i) {
    const double share = factor * u[i];
    if (share == 0) continue;
    double* __restrict row = m + i * stride;
    for (size_t j = 0; j < columns; ++j) row[j] += share * z[j];
  }
}

// m -= u z^T for `count` rows of both, one after the other, four rows of m at a time.
inline void subtract_products(size_t count, const double* u, const double* z, size_t stride, size_t rows,
                              size_t columns, double* m) {
  using V = Vector<double>::type;
  constexpr size_t lanes = static_cast<size_t>(Vector<double>::lanes), together = 4;
  for (size_t i = 0; i < rows; i += together) {
    const size_t held = rows - i < together ? rows - i : together;
    size_t j = 0;
    for (; held == together && j + lanes <= columns; j += lanes) {
      double* const at = m + i * stride + j;
      V sum[together];
      for (size_t r = 0; r < together; ++r) sum[r] = load(at + r * stride);
      for (size_t p = 0; p < count; ++p) {
        const V by = load(z + p * stride + j);
        for (size_t r = 0; r < together; ++r) sum[r] -= u[p * stride + i + r] * by;
      }
      for (size_t r = 0; r < together; ++r) store(at + r * stride, sum[r]);
    }
    for (; j < columns; ++j) {
      for (size_t r = 0; r < held; ++r) {
        for (size_t p = 0; p < count; ++p) m[(i + r) * stride + j] -= u[p * stride + i + r] * z[p * stride + j];
      }
    }
  }
}

template <class T>
constexpr SimplexPasses<T> simplex_passes = {least_ratio<T>, largest_move<T>, update_rows<T>, price<T>, add_squares<T>};

constexpr SimplexKernels simplex_kernels = {multiply, multiply_transposed, add_product, subtract_products};

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
