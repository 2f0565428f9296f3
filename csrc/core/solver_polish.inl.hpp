// Polishing near the end: a few over-relaxed projections that make more of what the iteration has.
//
// A bound is what its most violated set leaves of it, and a clipped candidate pays dearly for what it clips: moving a
// rest of the noise into the pair can cost 2^(n/2) times its size. Both are points near the meeting of a box and a
// subspace, and alternating projections bring them nearer, at one step's cost each:
//   - A^T y of the bound, between the range of A^T and the thresholds;
//   - the projected point of a candidate, between the constraint and the box of its noise.
// The iteration itself goes on as if they had not been. Without noise a bound takes rotations alone, and y is made of
// what they lead to, in f64: y itself and sums of it would lose 2^(n/2) times as much, in f32 more than the gap.
#pragma once

#include <algorithm>

#include "solver.hpp"

namespace harsanyi {

// x[block] <- sign (x + kPolishRelax (clipped x - x)).
template <class T>
void Solver<T>::relax(int block, T sign) noexcept {
  each([&](int k, size_t i, size_t m, size_t) {
    kernel_.relax(prox(block, k), i, m, static_cast<T>(kPolishRelax), sign, at(x_[block], k) + i);
  });
}

// Whether to polish, with a bound as good as this one; asked once a look.
template <class T>
bool Solver<T>::polishes(double bound) noexcept {
  const bool due = !joint() && std::isfinite(best_) &&
                   polish_is_due(1 - std::max(bound, bound_) / best_, options_.gap, steps_, polished_at_);
  if (due) polished_at_ = steps_;
  return due;
}

// The multipliers q - z as a bound. Uses x.
template <class T>
void Solver<T>::find_fitted_bound() noexcept {
  take_multipliers();
  double bound = fitted_bound(fit());
  if (polishes(bound)) {
    double product = 0;
    for (int i = 0; i < polish_count(plan_.n, false); ++i) {
      relax(0, 1);
      relax(1, 1);
      product = fit();
    }
    bound = fitted_bound(product);
  }
  if (bound > bound_) keep_fit();
}

// x <- the nearest A^T y. Returns v.y.
template <class T>
double Solver<T>::fit() noexcept {
  named(Kind::reflect, x_[0]);
  named(Kind::rotate, x_[1]);
  const double product = sum([&](int, size_t i, size_t m) {
    return kernel_.fit_pairs(i, m, plan_.ratio, plan_.inverse, unscale_, rotated_ + i, x_[0] + i, x_[1] + i);
  });
  named(Kind::reflect, x_[0]);
  named(Kind::rotate_back, x_[1]);
  return static_cast<double>(unscale_) * product;
}

// What find_bound_of will make of it, up to rounding: y less its mean. At the empty set A^T y is the sum of y.
template <class T>
double Solver<T>::fitted_bound(double product) const noexcept {
  double most = 0;
  for (int kind = 0; kind < 2; ++kind) {
    most = std::max(most, maximum([&](int, size_t i, size_t m) {
                      return kernel_.normalised_max(i, m, plan_.inverse_weight, x_[0][0], plan_.halves, x_[kind] + i);
                    }));
  }
  return (product - std::ldexp(static_cast<double>(x_[0][0]), -plan_.n) * total_) / most;
}

// Uses x.
template <class T>
void Solver<T>::keep_fit() noexcept {
  if (wide_ == nullptr) return find_bound_of_image(x_[0], x_[1]);
  each([&](int, size_t i, size_t m, size_t) { std::copy(x_[0] + i, x_[0] + i + m, wide_->q_[0] + i); });
  wide_->bound_ = bound_;
  wide_->find_bound_of_image(wide_->q_[0], wide_->q_[1]);
  bound_ = wide_->bound_;
}

// image: Z^T y.
template <class T>
void Solver<T>::find_bound_of_image(T* image, T* spare) noexcept {
  named(Kind::reflect, image);
  general(kMultipliers, image);
  find_bound_of(image, spare);
}

// Uses x.
template <class T>
void Solver<T>::polish_bound(T* y) noexcept {
  for (int i = 0; i < polish_count(plan_.n, plan_.noise); ++i) {
    if (plan_.noise) {
      each([&](int k, size_t j, size_t m, size_t) {
        for (size_t s = offset(k) + j; s < offset(k) + j + m; ++s) x_[2][s] = static_cast<T>(scale_) * y[s];
      });
    }
    if (!plan_.and_only) {
      named(Kind::or_inverse, y, x_[1]);
      weigh_singles(x_[1]);
      relax(1, -1);  // Q is minus that transform
    }
    named(Kind::superset_zeta, y, x_[0]);
    weigh_singles(x_[0]);
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
  for (int i = 0; i < polish_count(plan_.n, true); ++i) {
    relax(2, 1);
    project_pair();
  }
  from_points();
}

}  // namespace harsanyi
