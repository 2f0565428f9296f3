#include "symmetric.hpp"

#include <cmath>

#include "../lattice/bits.hpp"

namespace harsanyi {

// sqrt(C(d,m)/C(d,m')) [t^m'] (k00 + k10 t)^(d-m)
// (k01 + k11 t)^m.
template <class F>
void symmetric_power(const double (&k)[4], int d, F* out) {
  for (int m = 0; m <= d; ++m) {
    F poly[kMostSymmetric] = {1.0};
    for (int factor = 0; factor < d; ++factor) {
      const double constant = factor < d - m ? k[0] : k[1], linear = factor < d - m ? k[2] : k[3];
      for (int i = factor + 1; i > 0; --i) poly[i] = poly[i] * constant + poly[i - 1] * linear;
      poly[0] *= constant;
    }
    for (int to = 0; to <= d; ++to) {
      out[to * (d + 1) + m] = poly[to] * std::sqrt(static_cast<F>(binomial(d, m)) / static_cast<F>(binomial(d, to)));
    }
  }
}

template <class F>
void invert(F* a, int side, F* work) {
  for (int j = 0; j < side; ++j) {  // a = L L^T, L in the lower triangle
    F pivot = a[j * side + j];
    for (int k = 0; k < j; ++k) pivot -= a[j * side + k] * a[j * side + k];
    pivot = std::sqrt(pivot);
    a[j * side + j] = pivot;
    for (int i = j + 1; i < side; ++i) {
      F value = a[i * side + j];
      for (int k = 0; k < j; ++k) value -= a[i * side + k] * a[j * side + k];
      a[i * side + j] = value / pivot;
    }
  }
  for (int j = 0; j < side; ++j) {  // work = L^-1, lower
    for (int i = 0; i < side; ++i) work[i * side + j] = 0;
    work[j * side + j] = 1 / a[j * side + j];
    for (int i = j + 1; i < side; ++i) {
      F value = 0;
      for (int k = j; k < i; ++k) value -= a[i * side + k] * work[k * side + j];
      work[i * side + j] = value / a[i * side + i];
    }
  }
  for (int i = 0; i < side; ++i) {  // a^-1 = L^-T L^-1
    for (int j = 0; j <= i; ++j) {
      F value = 0;
      for (int k = i; k < side; ++k) value += work[k * side + i] * work[k * side + j];
      a[i * side + j] = a[j * side + i] = value;
    }
  }
}

template void symmetric_power(const double (&)[4], int, double*);
template void symmetric_power(const double (&)[4], int, long double*);
template void invert(double*, int, double*);
template void invert(long double*, int, long double*);

}  // namespace harsanyi
