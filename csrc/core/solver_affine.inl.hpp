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

// e, from what B^T (A x - A x') / c says of the pair before and after its projection.
template <class T>
void Solver<T>::solve_affine(double* p) noexcept {
  double* const e = affine_[kReflected];
  plan_.affine.solve(plan_.n, affine_scale_, p, e);
  double total = 0;
  for (int i = 1; i <= plan_.n; ++i) {
    term_.player[i - 1] = static_cast<T>(-affine_scale_ * e[i]);
    total += e[i];
  }
  for (size_t sets = 1, i = 0; sets < kTableRow && sets < count_; sets *= 2, ++i) {
    for (size_t set = 0; set < sets; ++set) term_.low[sets + set] = term_.low[set] + term_.player[i];
  }
  term_.constant = static_cast<T>(-affine_scale_ * e[0]);
  term_.total = static_cast<T>(-affine_scale_ * total);
}

// The pair is projected by itself; before: read_affine of the AND part as it was.
template <class T>
void Solver<T>::project_affine(const double* before) noexcept {
  double p[kAffine];
  read_affine(x_[0], p);
  for (int i = 0; i <= plan_.n; ++i) p[i] = before[i] - p[i];
  solve_affine(p);
  add_affine();
}

template <class T>
void Solver<T>::add_affine() noexcept {
  for (int kind = 0; kind < 2; ++kind) {
    each([&](int, size_t i, size_t m, size_t) {
      kernel_.add_affine(kind, plan_.affine.tables(), term_, i, m, x_[kind] + i);
    });
  }
}

// The same where x is folded: what the affine block takes is left to the step. At the empty set and at the singletons
// the reflected point follows from q, and the projected one from the few leaves that hold them.
template <class T>
void Solver<T>::project_folded() noexcept {
  const int bits = kernel_.fold_bits;
  const size_t leaf = size_t{1} << bits;
  T before[kAffine], after[kAffine], corner[kLargestLeaf];
  const Prox<T> soft = prox(0, 0);
  for (int i = 0; i <= plan_.n; ++i) {
    const size_t set = affine_set(i);
    const T bound = soft.unit * soft.weight[i == 0 ? 0 : 1], q = q_[0][set];
    before[i] = q - 2 * std::min(std::max(q, -bound), bound);
  }
  for (int kind = 0; kind < 2 && !folded_; ++kind) {
    each([&](int, size_t i, size_t m, size_t) { kernel_.fold(kind, m, x_[kind] + i); });
  }
  folded_ = true;
  parallel_for(static_cast<int64_t>(leaf * sizeof(T) / 64), scratch_.threads, [&](int64_t tile, int worker) {
    T* const own = reinterpret_cast<T*>(scratch_.tiles + static_cast<size_t>(worker) * scratch_.tile_bytes);
    kernel_.project_folded(plan_.n, static_cast<size_t>(tile), plan_.ratio, plan_.inverse, unscale_, rotated_, x_[0],
                           x_[1], own);
  });
  for (int i = 0; i <= plan_.n; ++i) {
    const size_t set = affine_set(i);
    if (i == 0) kernel_.unfold(0, leaf, x_[0], corner);
    after[i] = set < leaf ? corner[set] : kernel_.unfold_corner(x_[0] + set);
  }
  double p[kAffine];
  for (int i = 0; i <= plan_.n; ++i) {
    p[i] = static_cast<double>(before[i]) - static_cast<double>(after[i]);
    if (i > 0) p[i] -= p[0] / 2;
  }
  solve_affine(p);
}

// x <- the projected point itself.
template <class T>
void Solver<T>::unfold() noexcept {
  if (!folded_) return;
  for (int kind = 0; kind < 2; ++kind) {
    each([&](int, size_t i, size_t m, size_t) { kernel_.unfold(kind, m, x_[kind] + i, x_[kind] + i); });
  }
  folded_ = false;
  add_affine();
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
  const double move = moves ? std::sqrt(capped_move(kMoveRatio * std::sqrt(near / dual)) / factor) : 1;
  for (int i = 0; i <= plan_.n; ++i) {
    const double z = affine_prox(i, q[i]), u = factor * move * (q[i] - z);
    anchor[i] = q[i] = z / move + u;
    x[i] = z / move - u;
  }
  affine_scale_ *= move;
}

}  // namespace harsanyi
