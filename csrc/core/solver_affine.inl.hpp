// The solver's affine block (affine.hpp): its share of projection, step and restart.
#pragma once

#include "solver.hpp"

namespace harsanyi {

// The constant is free; a singleton costs as much here as in the pair.
template <class T>
double Solver<T>::affine_prox(int i, double q) const noexcept {
  const double bound = i == 0 ? 0 : unit_ * affine_scale_ * static_cast<double>(plan_.weight[1]);
  return q - std::min(std::max(q, -bound), bound);
}

// p <- B^T y / c from x = Z^T y.
template <class T>
void Solver<T>::read_affine(const T* x, double* p) const noexcept {
  p[0] = static_cast<double>(x[0]);
  for (int i = 1; i <= plan_.n; ++i) p[i] = static_cast<double>(x[size_t{1} << (i - 1)]) - p[0] / 2;
}

// a <- a with what s stands for.
template <class T>
void Solver<T>::fold_affine(const double* s, T* a) const noexcept {
  double total = 0;
  for (int i = 1; i <= plan_.n; ++i) {
    a[size_t{1} << (i - 1)] += static_cast<T>(affine_scale_ * s[i]);
    total += s[i];
  }
  a[0] += static_cast<T>(affine_scale_ * (s[0] - total / 2));
}

// The pair is projected by itself; before: read_affine of the AND part as it was.
template <class T>
void Solver<T>::project_affine(const double* before) noexcept {
  double p[kAffine];
  read_affine(x_[0], p);
  for (int i = 0; i <= plan_.n; ++i) p[i] = before[i] - p[i];
  double* const e = affine_[kReflected];
  plan_.affine.solve(plan_.n, affine_scale_, p, e);
  for (int kind = 0; kind < 2; ++kind) {
    const double sign = kind == 0 ? 1 : -1;
    AffineTerm<T> term;
    double total = 0;
    for (int i = 1; i <= plan_.n; ++i) {
      term.player[i - 1] = static_cast<T>(-sign * affine_scale_ * e[i]);
      total += e[i];
    }
    for (size_t set = 1; set < kTableRow && set < count_; ++set) {
      term.low[set] = term.low[set & (set - 1)] + term.player[__builtin_ctzll(set)];
    }
    term.constant = static_cast<T>(-affine_scale_ * e[0]);
    term.total = static_cast<T>(-sign * affine_scale_ * total);
    each([&](int, size_t i, size_t m, size_t) { kernel_.add_affine(plan_.affine.tables(), term, i, m, x_[kind] + i); });
  }
}

// Returns the square of the step's size.
template <class T>
double Solver<T>::advance_affine(double keep, double pull) noexcept {
  auto& [q, x, anchor] = affine_;
  double size = 0;
  for (int i = 0; i <= plan_.n; ++i) {
    const double step = 2 * (x[i] - affine_prox(i, q[i]));
    q[i] = keep * (q[i] + step) + pull * anchor[i];
    size += step * step;
  }
  reflect_affine();
  return size;
}

template <class T>
void Solver<T>::reflect_affine() noexcept {
  auto& [q, x, anchor] = affine_;
  for (int i = 0; i <= plan_.n; ++i) x[i] = 2 * affine_prox(i, q[i]) - q[i];
}

// A restart that multiplies the threshold by `factor`: the scale moves by the same rule, from the singletons' own ways.
template <class T>
void Solver<T>::restart_affine(double factor) noexcept {
  auto& [q, x, anchor] = affine_;
  double near = 0, dual = 0;
  for (int i = 1; i <= plan_.n; ++i) {
    const double way = affine_prox(i, q[i]) - affine_prox(i, anchor[i]), rest = q[i] - anchor[i] - way;
    near += way * way;
    dual += rest * rest;
  }
  const bool moves = near > 0 && dual > 0 && scales_move();
  const double move = moves ? std::sqrt(power_of_ratio(kMoveRatio * std::sqrt(near / dual)) / factor) : 1;
  for (int i = 0; i <= plan_.n; ++i) {
    const double z = affine_prox(i, q[i]), u = factor * move * (q[i] - z);
    anchor[i] = q[i] = z / move + u;
    x[i] = z / move - u;
  }
  affine_scale_ *= move;
}

}  // namespace harsanyi
