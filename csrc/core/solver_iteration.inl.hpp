// Start, projection, step and restart of the solver.
#pragma once

#include <cstring>

#include "solver.hpp"

namespace harsanyi {

template <class T>
void Solver<T>::threshold(int kind, T* z) const noexcept {
  if (joint()) {
    std::memcpy(z, z_[kind], all_ * sizeof(T));
    return;
  }
  each([&](int k, size_t i, size_t m, size_t) { kernel_.apply_prox(prox(kind, k), i, m, q_[kind] + i, z + i); });
  if (kind == 0 && plan_.has_affine) {
    double s[kAffine];
    for (int i = 0; i <= plan_.n; ++i) s[i] = affine_prox(i, affine_[0][i]);
    fold_affine(s, z);
  }
}

template <class T>
void Solver<T>::measure() noexcept {
  double* const wide_vector = reinterpret_cast<double*>(scratch_.memory);
  plain_ = spread_ = 0;
  for (int k = 0; k < plan_.networks; ++k) {
    total_ = 0;
    for (size_t i = 0; i < count_; ++i) {
      wide_vector[i] = sample_.v[offset(k) + i] - origin(k);
      total_ += wide_vector[i];
      spread_ = std::max(spread_, std::fabs(wide_vector[i]));
    }
    wide(Kind::mobius, wide_vector);
    for (size_t i = 1; i < count_; ++i) plain_ += std::fabs(wide_vector[i]);
  }
}

template <class T>
void Solver<T>::start() noexcept {
  const double penalty = options_.penalty > 0 ? options_.penalty : 1;
  unit_ = static_cast<T>(plain_ / static_cast<double>(std::max(all_, size_t{2}) - 1) / penalty);
  // A candidate without excluded sets exists only where the residual lies inside the box: aim at a smaller one.
  if (plan_.excluded && plan_.noise) box_ = 1 - std::max(options_.gap, 1e-4) / 4;
  if (!plan_.noise) rotate_values();
  if (wide_ != nullptr) scale_ = std::max(1.0, single_loss(plan_.n, kMostLost));
  if (options_.warm_start && plan_.turns && has_large_singles()) singles_ = kSingles;
  if (plan_.noise && !plan_.and_only) build_blocks();
  if (options_.warm_start) {
    warm();
    if (!plan_.heuristic) try_warm();
  } else {
    for (T* q : q_) {
      if (q != nullptr) std::memset(q, 0, all_ * sizeof(T));
    }
    if (!(bound_ > 0)) std::memset(sample_.dual, 0, all_ * sizeof(double));  // else that of a vertex not near enough
  }
  begin();
}

template <class T>
void Solver<T>::rotate_values() noexcept {
  const double scale = std::pow(kCosine, -plan_.n);
  for (size_t i = 0; i < all_; ++i)
    rotated_[i] = static_cast<T>(scale * (sample_.v[i] - origin(static_cast<int>(i >> plan_.n))));
  general(kInversePencil, rotated_);
}

// From q on.
template <class T>
void Solver<T>::begin() noexcept {
  for (int b = 0; b < 3; ++b) {
    if (q_[b] != nullptr) std::memcpy(anchor_[b], q_[b], all_ * sizeof(T));
  }
  std::memcpy(affine_[2], affine_[0], sizeof(affine_[0]));
  if (joint()) {
    for (int kind = 0; kind < kinds(); ++kind) {
      kernel_.joint_prox(prox(kind, 0), static_cast<T>(options_.alpha), plan_.networks, count_, 0, count_, q_[kind],
                         z_[kind]);
    }
  }
  reflect_all();
}

// A fixed point has q = z + u with multipliers u = unit D A^T y: rebuilt from a result's pair, delta and dual.
template <class T>
void Solver<T>::warm() noexcept {
  const double* const parts[2] = {sample_.and_, sample_.or_};
  for (int kind = 0; kind < kinds(); ++kind) {
    T* const q = q_[kind];
    set_multipliers(sample_.dual, kind);
    if (kind == 0 && plan_.has_affine) {  // the pair has all of its coefficients
      read_affine(q, affine_[0]);
      for (int i = 0; i <= plan_.n; ++i) affine_[0][i] *= affine_scale_;
    }
    const T sign = kind == 0 ? 1 : -1;
    for (size_t i = 0; i < all_; ++i) q[i] += sign * static_cast<T>(parts[kind][i]);
    for (int k = 0; k < plan_.networks; ++k) at(q, k)[0] = 0;
  }
  set_noise(sample_.dual);
}

// The given pair, brought to this game, and the given multipliers: for the same game the end.
template <class T>
void Solver<T>::try_warm() noexcept {
  for (size_t i = 0; i < all_; ++i) {
    x_[0][i] = static_cast<T>(sample_.and_[i]);
    if (x_[1] != nullptr) x_[1][i] = -static_cast<T>(sample_.or_[i]);
    if (x_[2] != nullptr) x_[2][i] = static_cast<T>(sample_.delta[i] / scale_);
  }
  for (int k = 0; k < plan_.networks; ++k) {  // of v - v[0], on the empty set
    const size_t empty = offset(k);
    x_[0][empty] = static_cast<T>((plan_.noise ? -sample_.delta[empty] : 0) - sample_.or_[empty]);
    if (x_[1] != nullptr) x_[1][empty] = 0;
  }
  project_pair();
  from_points();
  for (size_t i = 0; i < all_; ++i) x_[0][i] = static_cast<T>(sample_.dual[i]);
  find_bound_of(x_[0], plan_.noise ? x_[2] : x_[1]);
}

// x <- (A A^T)^-1 x
template <class T>
void Solver<T>::solve(T* x) const noexcept {
  if (!plan_.and_only) {
    for (int k = 0; k < plan_.networks; ++k) spin_.solve(plan_.spin, table_, at(x, k), scratch_.threads);
    return;
  }
  named(Kind::rotate, x);
  each([&](int k, size_t i, size_t m, size_t) {
    kernel_.weigh_pairs(i, m, nullptr, plan_.inverse, nullptr, at(x, k) + i);
  });
  named(Kind::rotate_back, x);
}

// x <- the nearest point of the constraint.
template <class T>
void Solver<T>::project() noexcept {
  if (!plan_.has_affine) return project_pair();
  if (plan_.folds) return project_folded();
  double before[kAffine];
  read_affine(x_[0], before);
  project_pair();
  project_affine(before);
}

template <class T>
void Solver<T>::project_pair() noexcept {
  if (!plan_.noise) {
    named(Kind::reflect, x_[0]);
    named(Kind::rotate, x_[1]);
    each([&](int k, size_t i, size_t m, size_t) {
      kernel_.project_pairs(i, m, plan_.ratio, plan_.inverse, unscale_, at(rotated_, k) + i, at(x_[0], k) + i,
                            at(x_[1], k) + i);
    });
    named(Kind::reflect, x_[0]);
    named(Kind::rotate_back, x_[1]);
    return;
  }
  solve_noise(t1_, t2_, x_[2], static_cast<T>(INFINITY));
  const auto add = [&](T sign, const T* from, T* to) {
    each([&](int k, size_t i, size_t m, size_t) { kernel_.add(m, sign, from + offset(k) + i, at(to, k) + i); });
  };
  add(static_cast<T>(-scale_), t1_, x_[2]);
  if (!plan_.and_only) {
    named(Kind::or_inverse, t1_, t2_);
    weigh_singles(t2_);
    add(1, t2_, x_[1]);
  }
  named(Kind::superset_zeta, t1_);
  weigh_singles(t1_);
  add(-1, t1_, x_[0]);
}

// The nearest point is x - D A^T y with A = (Z, Q, s I) and A D A^T y = A x - v. a becomes y, o is used up; they may
// be x itself. The noise is reflected at `bound` first.
template <class T>
void Solver<T>::solve_noise(T* a, T* o, const T* noise, T bound) const noexcept {
  named(Kind::zeta, x_[0], a);
  if (!plan_.and_only) named(Kind::or_inverse, x_[1], o);
  each([&](int k, size_t i, size_t m, size_t) {
    const T* const other = plan_.and_only ? nullptr : at(o, k) + i;
    kernel_.residual(m, sample_.v + offset(k) + i, origin(k), other, static_cast<T>(scale_), bound,
                     noise + offset(k) + i, at(a, k) + i);
  });
  solve(a);
}

template <class T>
Step<T> Solver<T>::next_step() noexcept {
  const Step<T> step{static_cast<T>((stretch_ + 1.0) / (stretch_ + 2.0)), static_cast<T>(1.0 / (stretch_ + 2.0))};
  ++stretch_;
  return step;
}

// One step from the projected point; returns its size.
template <class T>
double Solver<T>::advance() noexcept {
  const Step<T> step = next_step();
  double size = plan_.has_affine ? advance_affine(step.keep, step.pull) : 0;
  for (int b = 0; b < 3; ++b) {
    if (q_[b] == nullptr) continue;
    const bool coupled = joint() && b < 2;
    size -= surplus(b, [&](size_t i, T, T z) { return x_[b][i] - z; });
    size += sum([&](int k, size_t i, size_t m) {
      T *q = at(q_[b], k) + i, *x = at(x_[b], k) + i, *anchor = at(anchor_[b], k) + i;
      if (folded_) {
        return kernel_.advance_folded(b, plan_.affine.tables(), term_, step, prox(b, k), i, m, q, x, anchor);
      }
      if (coupled) return kernel_.advance_from(m, step.keep, step.pull, at(z_[b], k) + i, q, x, anchor);
      return kernel_.advance(step, prox(b, k), i, m, q, x, anchor);
    });
    if (coupled) {
      sum_joint([&](size_t i, size_t m) {
        kernel_.joint_prox(prox(b, 0), static_cast<T>(options_.alpha), plan_.networks, count_, i, m, q_[b] + i,
                           z_[b] + i);
        return 0.0;
      });
      each([&](int k, size_t i, size_t m, size_t) {
        for (size_t j = offset(k) + i; j < offset(k) + i + m; ++j) x_[b][j] = 2 * z_[b][j] - q_[b][j];
      });
    }
  }
  return std::sqrt(std::max(size, 0.0));
}

// project and advance with noise, of one network. The projected point is written nowhere, the noise's reflected one
// neither, and the pair's is worked on in place: at n = 14 what a step touches just fits the second-level cache.
template <class T>
double Solver<T>::move_on() noexcept {
  solve_noise(x_[0], x_[1], q_[2], prox(2, 0).unit);
  const Step<T> step = next_step();
  double size = 0;
  const auto move = [&](int block, double factor, const T* by) {
    size -= surplus(block, [&](size_t i, T q, T z) { return z - q + static_cast<T>(factor) * by[i]; });
    size += sum([&](int k, size_t i, size_t m) {
      const Step<T> here{step.keep, step.pull, static_cast<T>(factor), by + i};
      return kernel_.advance(here, prox(block, k), i, m, q_[block] + i, x_[block] + i, anchor_[block] + i);
    });
  };
  move(2, -scale_, x_[0]);
  if (!plan_.and_only) {
    named(Kind::or_inverse, x_[0], x_[1]);
    weigh_singles(x_[1]);
    move(1, 1, x_[1]);
  }
  named(Kind::superset_zeta, x_[0]);
  weigh_singles(x_[0]);
  move(0, -1, x_[0]);
  return std::sqrt(std::max(size, 0.0));
}

// What such steps leave out.
template <class T>
void Solver<T>::reflect_noise() noexcept {
  each([&](int k, size_t i, size_t m, size_t) {
    kernel_.reflect(prox(2, k), i, m, at(q_[2], k) + i, at(x_[2], k) + i);
  });
}

template <class T>
void Solver<T>::reflect_all() noexcept {
  if (plan_.has_affine) reflect_affine();
  for (int b = 0; b < 3; ++b) {
    if (q_[b] == nullptr) continue;
    each([&](int k, size_t i, size_t m, size_t) {
      if (joint() && b < 2) {
        for (size_t j = offset(k) + i; j < offset(k) + i + m; ++j) x_[b][j] = 2 * z_[b][j] - q_[b][j];
      } else {
        kernel_.reflect(prox(b, k), i, m, at(q_[b], k) + i, at(x_[b], k) + i);
      }
    });
  }
}

// Adds the squared ways of a block's z and u since the last restart.
template <class T>
void Solver<T>::distances(int block, double* near, double* dual) const noexcept {
  double parts[kMostBlocks];
  *near += sum([&](int k, size_t i, size_t m) {
    double part;
    kernel_.moved(prox(block, k), i, m, q_[block] + i, anchor_[block] + i, &part, parts + i / kBlock);
    return part;
  });
  for (size_t block_of = 0; block_of * kBlock < count_; ++block_of) *dual += parts[block_of];
  if (singles_ == 1 || block == 2) return;
  const double less = 1 - 1 / singles_;  // as the metric has them
  for (size_t i = 1; i < count_; i <<= 1) {
    const T q = q_[block][i], from = anchor_[block][i];
    const double rest = rest_of_single(q) - rest_of_single(from), way = q - from - rest;
    *near -= less * way * way;
    *dual -= less * rest * rest;
  }
}

// What the scale of the noise block is multiplied by, if the threshold is by `factor`.
template <class T>
double Solver<T>::rescale_noise(double factor) const noexcept {
  if (!plan_.noise || plan_.and_only || !scales_move()) return 1;
  double near = 0, dual = 0;
  distances(2, &near, &dual);
  if (!(near > 0 || dual > 0)) return 1;  // the dual way is 0 as long as nothing touches the box: a larger scale
  const double move = std::sqrt(capped_move(kNoiseRatio * std::sqrt(near / dual)) / factor);
  return move > kLeastMove || move < 1 / kLeastMove ? move : 1;
}

// Whether the gap stands where it was at the last restart before which it was looked at.
template <class T>
bool Solver<T>::stands() noexcept {
  if (plan_.noise || plan_.heuristic || !looked_ || !std::isfinite(best_)) return false;
  const bool still = gap_stands(gap(), stood_, steps_);
  stood_ = gap();
  looked_ = false;
  return still;
}

// After a step of this size: begin a new stretch from here if it is time, and say so.
template <class T>
bool Solver<T>::restart(double size) noexcept {
  if (stretch_ == 1) {
    first_size_ = size;
    last_size_ = INFINITY;
  }
  const bool due = restart_is_due(size, first_size_, last_size_, stretch_, steps_, plan_.noise);
  last_size_ = size;
  if (!due) return false;
  stretch_ = 0;
  if (joint()) {
    for (int b = 0; b < 3; ++b) {
      if (q_[b] != nullptr) std::memcpy(anchor_[b], q_[b], all_ * sizeof(T));
    }
    return true;
  }
  double near = 0, dual = 0;
  for (int kind = 0; kind < kinds(); ++kind) distances(kind, &near, &dual);
  const bool moves = near > 0 && dual > 0 && (scales_move() || !options_.warm_start);
  const double count = static_cast<double>(all_);
  const bool still = stands();
  const bool holds = turn_ != Turn::both;
  const double factor = holds   ? 1
                        : moves ? threshold_move(std::sqrt(near / dual), unit_, plain_, best_, count, still)
                                : 1;
  const double move = holds ? 1 : rescale_noise(factor);
  folded_ = false;
  if (plan_.has_affine) restart_affine(factor);
  move_threshold(factor, move);
  return true;
}

// A new stretch from here, with the threshold times `factor` and the noise's scale times `move`: coefficients and noise
// stay, and so do what the multipliers say.
template <class T>
void Solver<T>::move_threshold(double factor, double move) noexcept {
  for (int kind = 0; kind < kinds(); ++kind) {
    each([&](int k, size_t i, size_t m, size_t) {
      kernel_.restart(prox(kind, k), i, m, static_cast<T>(factor), q_[kind] + i, anchor_[kind] + i, x_[kind] + i);
    });
  }
  if (plan_.noise) {
    const T bound = prox(2, 0).unit, shrink = static_cast<T>(1 / move), grow = static_cast<T>(factor * move);
    each([&](int, size_t i, size_t m, size_t) {
      for (size_t j = i; j < i + m; ++j) {
        const T z = std::min(std::max(q_[2][j], -bound), bound), u = grow * (q_[2][j] - z);
        anchor_[2][j] = q_[2][j] = shrink * z + u;
        x_[2][j] = shrink * z - u;
      }
    });
    if (move != 1) {
      scale_ *= move;
      build_blocks();
    }
  }
  unit_ = static_cast<T>(unit_ * factor);
}

}  // namespace harsanyi
