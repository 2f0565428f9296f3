// Polishing near the end: a few over-relaxed projections that make more of what the iteration has.
//
// A bound is what its most violated set leaves of it, and a clipped candidate pays dearly for what it clips: moving a
// rest of the noise into the pair can cost 2^(n/2) times its size. Both are points near the meeting of a box and a
// subspace, and alternating projections bring them nearer, at one step's cost each:
//   - A^T y of the bound, between the range of A^T and the thresholds;
//   - the projected point of a candidate, between the constraint and the box of its noise.
// The iteration itself goes on as if they had not been.
#pragma once

#include "solver.hpp"

namespace harsanyi {

// x[block] <- sign (x + kPolishRelax (clipped x - x)).
template <class T>
void Solver<T>::relax(int block, T sign) noexcept {
  each([&](int k, size_t i, size_t m, size_t) {
    kernel_.relax(prox(block, k), i, m, static_cast<T>(kPolishRelax), sign, at(x_[block], k) + i);
  });
}

// Uses x.
template <class T>
void Solver<T>::polish_bound(T* y) noexcept {
  for (int i = 0; i < kPolish; ++i) {
    if (plan_.noise) {
      each([&](int k, size_t j, size_t m, size_t) {
        for (size_t s = offset(k) + j; s < offset(k) + j + m; ++s) x_[2][s] = static_cast<T>(scale_) * y[s];
      });
    }
    if (!plan_.and_only) {
      named(Kind::or_inverse, y, x_[1]);
      relax(1, -1);  // Q is minus that transform
    }
    named(Kind::superset_zeta, y, x_[0]);
    relax(0, 1);
    y = explain_multipliers();
  }
  find_bound_of(y, plan_.noise ? x_[2] : x_[1]);
}

// Uses x.
template <class T>
void Solver<T>::polish_point() noexcept {
  reflect_all();
  project_pair();
  for (int i = 0; i < kPolish; ++i) {
    relax(2, 1);
    project_pair();
  }
  from_points();
}

}  // namespace harsanyi
