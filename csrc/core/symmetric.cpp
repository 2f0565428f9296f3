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

template void symmetric_power(const double (&)[4], int, double*);
template void symmetric_power(const double (&)[4], int, long double*);

}  // namespace harsanyi
