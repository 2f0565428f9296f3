// With noise: the metric of large singletons, and the turns that bound and pair take (solver_rules.hpp).
#pragma once

#include <cmath>
#include <cstring>

#include "solver.hpp"

namespace harsanyi {

// Whether the pair there is has singletons so large that they need a metric of their own.
template <class T>
bool Solver<T>::has_large_singles() const noexcept {
  double singles = 0, all = 0;
  for (size_t i = 1; i < count_; ++i) {
    const double size = std::fabs(sample_.and_[i]) + std::fabs(sample_.or_[i]);
    all += size;
    if (order(i) == 1) singles += size;
  }
  return singles * 2 * static_cast<double>(count_) > kLarge * all * plan_.n;
}

// What the singletons' half steps half_step(set, q, prox(q)) count too much in a step's size, squared, since they are
// measured as they are thresholded.
template <class T>
template <class F>
double Solver<T>::surplus(int block, const F& half_step) const noexcept {
  if (singles_ == 1 || block == 2) return 0;
  double size = 0;
  for (size_t i = 1; i < count_; i <<= 1) {
    const T q = q_[block][i];
    const double step = 2 * half_step(i, q, q - rest_of_single(q));
    size += step * step;
  }
  return (1 - 1 / singles_) * size;
}

// q[kind] <- multipliers unit D A^T y
template <class T>
void Solver<T>::set_multipliers(const double* y, int kind) noexcept {
  T* const q = q_[kind];
  for (size_t i = 0; i < all_; ++i) q[i] = static_cast<T>(y[i]);
  named(kind == 0 ? Kind::superset_zeta : Kind::or_inverse, q);
  weigh_singles(q);
  const T factor = kind == 0 ? unit_ : -unit_;  // Q is minus that transform
  for (size_t i = 0; i < all_; ++i) q[i] *= factor;
}

template <class T>
void Solver<T>::set_noise(const double* y) noexcept {
  const double unit = static_cast<double>(unit_);
  for (size_t i = 0; plan_.noise && i < all_; ++i) {
    q_[2][i] = static_cast<T>(sample_.delta[i] / scale_ + unit * scale_ * y[i]);
  }
}

// A turn for the bound or for the pair, with another threshold: from here, or from the best pair so far and these
// multipliers, which may be in x.
template <class T>
void Solver<T>::take_turn(Turn turn, const double* y) noexcept {
  if (turn_ == Turn::both) {
    for (int b = 0; b < 3; ++b) std::memcpy(saved_ + static_cast<size_t>(b) * count_, q_[b], count_ * sizeof(T));
    saved_unit_ = unit_;
  }
  turn_ = turn;
  turned_at_ = steps_;
  stretch_ = 0;
  polished_at_ = 0;
  if (turn == Turn::both) {
    if (turned_back_) {
      for (int b = 0; b < 3; ++b) std::memcpy(q_[b], saved_ + static_cast<size_t>(b) * count_, count_ * sizeof(T));
      unit_ = saved_unit_;
    }
    turned_back_ = true;
    return begin();
  }
  const double unit = turn_threshold(turn, best_, 2 * static_cast<double>(count_));
  if (y == nullptr) return move_threshold(unit / unit_, 1);
  unit_ = static_cast<T>(unit);
  const double* const parts[2] = {sample_.and_, sample_.or_};  // or_ is still internal
  for (int kind = 0; kind < 2; ++kind) {
    set_multipliers(y, kind);
    for (size_t i = 0; i < count_; ++i) q_[kind][i] += static_cast<T>(parts[kind][i]);
  }
  set_noise(y);
  begin();
}

}  // namespace harsanyi
