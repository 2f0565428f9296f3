// The inverse of a symmetric positive matrix by Cholesky, all inner loops along rows: additions come in the same order
// for every width.
#pragma once

#include <math.h>

#include "vector.inl.hpp"

namespace harsanyi {
namespace HARSANYI_ISA {

// y += factor * x
template <class F>
HARSANYI_INLINE void add_multiple(int count, F factor, const F* x, F* y) {
  int i = 0;
  if constexpr (sizeof(F) == sizeof(double)) {
    constexpr int lanes = Vector<double>::lanes;
    for (; i + lanes <= count; i += lanes) store(y + i, fused(factor, load(x + i), load(y + i)));
    for (; i < count; ++i) y[i] = fused(factor, x[i], y[i]);
  } else {
    for (; i < count; ++i) y[i] += factor * x[i];
  }
}

HARSANYI_INLINE double root(double x) { return sqrt(x); }
HARSANYI_INLINE long double root(long double x) { return sqrtl(x); }

// In place; work: side * side. F: double or long double.
template <class F>
void invert(F* a, int side, F* work) {
  const auto row = [side](F* matrix, int i) { return matrix + static_cast<size_t>(i) * static_cast<size_t>(side); };
  for (int j = 0; j < side; ++j) {  // a = U^T U, U in the upper triangle
    F* const pivot = row(a, j);
    const F scale = 1 / root(pivot[j]);
    for (int i = j; i < side; ++i) pivot[i] *= scale;
    for (int i = j + 1; i < side; ++i) add_multiple(side - i, -pivot[i], pivot + i, row(a, i) + i);
  }
  for (int i = side - 1; i >= 0; --i) {  // work = U^-1, upper, from its last row on
    F* const to = row(work, i);
    for (int j = 0; j < side; ++j) to[j] = j == i ? 1 : 0;
    for (int k = i + 1; k < side; ++k) add_multiple(side - k, -row(a, i)[k], row(work, k) + k, to + k);
    const F scale = 1 / row(a, i)[i];
    for (int j = i; j < side; ++j) to[j] *= scale;
  }
  for (int i = 0; i < side; ++i) {  // lower: its transpose
    for (int j = 0; j < i; ++j) row(work, i)[j] = row(work, j)[i];
  }
  for (int i = 0; i < side; ++i) {  // a^-1 = U^-1 U^-T, its lower triangle, then the other
    F* const to = row(a, i);
    for (int j = 0; j <= i; ++j) to[j] = 0;
    for (int k = i; k < side; ++k) add_multiple(i + 1, row(work, i)[k], row(work, k), to);
  }
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < i; ++j) row(a, j)[i] = row(a, i)[j];
  }
}

}  // namespace HARSANYI_ISA
}  // namespace harsanyi
