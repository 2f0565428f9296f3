// Candidates, bound and result of the solver.
#pragma once

#include <algorithm>
#include <cstring>

#include "solver.hpp"

namespace harsanyi {

template <class T>
double Solver<T>::cost(const T* a, const T* o) noexcept {
  if (std::isfinite(free_from_)) {
    T largest;
    return cost_of_smallest(a, o, &largest);
  }
  double total = 0;
  for (const T* x : {a, o}) {
    if (x == nullptr) continue;
    if (joint()) {
      total += sum_joint([&](size_t i, size_t m) {
        return kernel_.joint_cost(static_cast<T>(options_.alpha), plan_.networks, count_, i, m, plan_.weight, x + i);
      });
    } else {
      total += sum([&](int, size_t i, size_t m) { return kernel_.weighted_l1(i, m, plan_.weight, x + i); });
    }
  }
  return total;
}

// The sum over the smallest share of the coefficients of both kinds; *largest is the largest of them.
template <class T>
double Solver<T>::cost_of_smallest(const T* a, const T* o, T* largest) noexcept {
  size_t taken = 0;
  for (const T* x : {a, o}) {
    if (x == nullptr) continue;
    for (size_t s = 1; s < count_; ++s) sizes_[taken++] = std::fabs(x[s]);
  }
  const size_t counted = static_cast<size_t>(std::llround(options_.share * static_cast<double>(taken)));
  *largest = 0;
  if (counted == 0) return 0;
  std::nth_element(sizes_, sizes_ + (counted - 1), sizes_ + taken);
  *largest = sizes_[counted - 1];
  double total = 0;
  for (size_t i = 0; i < counted; ++i) total += static_cast<double>(sizes_[i]);
  return total;
}

// Excluded coefficients must be zero up to rounding: then they are set to zero, else the candidate is none.
template <class T>
bool Solver<T>::drop_excluded(T* x) const noexcept {
  if (!plan_.excluded || x == nullptr) return true;
  for (size_t i = 0; i < all_; ++i) {
    if (std::isfinite(weight(i & (count_ - 1)))) continue;
    if (!(std::fabs(x[i]) <= 1e-12 * plain_)) return false;
    x[i] = 0;
  }
  return true;
}

// Keeps the pair (a, o) with `scale` times this noise if it costs less than the best.
template <class T>
void Solver<T>::try_pair(T* a, T* o, const T* noise, double scale) noexcept {
  if (!drop_excluded(a) || !drop_excluded(o)) return;
  const double value = cost(a, o);
  if (!(value < best_)) return;
  best_ = value;
  each([&](int k, size_t i, size_t m, size_t) {
    const size_t from = offset(k) + i;
    for (size_t j = from; j < from + m; ++j) {
      sample_.and_[j] = a[j];
      sample_.or_[j] = o != nullptr ? o[j] : 0;
    }
    if (!plan_.noise) return;
    const double bound = zeta(k);
    for (size_t j = from; j < from + m; ++j) {
      sample_.delta[j] = std::min(std::max(scale * static_cast<double>(noise[j]), -bound), bound);
    }
  });
}

// The projected point solves the constraint. Its noise, clipped, leaves a rest, which goes to the pair with the
// smallest sum of squares that explains it; moved into one kind, it would cost up to 3^n times its size.
template <class T>
void Solver<T>::from_points() noexcept {
  if (!plan_.noise) return try_pair(x_[0], x_[1], nullptr, 1);
  each([&](int k, size_t i, size_t m, size_t) {
    for (size_t j = offset(k) + i; j < offset(k) + i + m; ++j) t1_[j] = static_cast<T>(scale_) * x_[2][j];
    kernel_.split_noise(m, static_cast<T>(zeta(k)), at(t1_, k) + i, nullptr);
  });
  if (plan_.and_only) {
    named(Kind::mobius, t1_);
  } else {
    general(kInversePencil, t1_);
    each([&](int k, size_t i, size_t m, size_t) {
      kernel_.weigh_pairs(i, m, nullptr, plan_.inverse, nullptr, at(t1_, k) + i);
    });
    general(kInversePencilT, t1_);
    named(Kind::or_inverse, t1_, t2_);
    named(Kind::superset_zeta, t1_);
    each([&](int k, size_t i, size_t m, size_t) {
      T* const to = at(t2_, k) + i;
      const T* const from = at(x_[1], k) + i;
      for (size_t j = 0; j < m; ++j) to[j] = from[j] - to[j];
    });
  }
  each([&](int k, size_t i, size_t m, size_t) { kernel_.add(m, 1, at(x_[0], k) + i, at(t1_, k) + i); });
  try_pair(t1_, plan_.and_only ? nullptr : t2_, x_[2], scale_);
}

template <class T>
void Solver<T>::look_at_point() noexcept {
  if (!plan_.has_affine) return from_points();
  T kept[kAffine];
  for (int i = 0; i <= plan_.n; ++i) kept[i] = x_[0][affine_set(i)];
  fold_affine(affine_[kReflected], x_[0]);
  from_points();
  for (int i = 0; i <= plan_.n; ++i) x_[0][affine_set(i)] = kept[i];
}

// The thresholded point does not: what it leaves is noise as far as the box holds it, and the rest goes to one kind.
// Uses x.
template <class T>
void Solver<T>::from_thresholds(bool keep_or) noexcept {
  threshold(0, x_[0]);
  named(Kind::zeta, x_[0]);
  if (!plan_.and_only) {
    threshold(1, x_[1]);
    named(Kind::or_inverse, x_[1]);
  }
  each([&](int k, size_t i, size_t m, size_t) {  // x[0] <- v - Z a - Q o - delta, x[2] <- delta
    T* const rest = at(x_[0], k) + i;
    const T* const o = plan_.and_only ? nullptr : at(x_[1], k) + i;
    kernel_.residual(m, sample_.v + offset(k) + i, origin(k), o, 0, 0, nullptr, rest);
    for (size_t j = 0; j < m; ++j) rest[j] = -rest[j];
    if (plan_.noise) kernel_.split_noise(m, static_cast<T>(zeta(k)), rest, at(x_[2], k) + i);
  });
  if (plan_.and_only || keep_or) {
    named(Kind::mobius, x_[0]);
    T* const other = plan_.and_only ? t1_ : x_[1];
    threshold(0, other);
    each([&](int k, size_t i, size_t m, size_t) { kernel_.add(m, 1, at(other, k) + i, at(x_[0], k) + i); });
    if (!plan_.and_only) threshold(1, x_[1]);
    return try_pair(x_[0], plan_.and_only ? nullptr : x_[1], x_[2], 1);
  }
  named(Kind::or_transform, x_[0]);
  threshold(1, x_[1]);
  each([&](int k, size_t i, size_t m, size_t) { kernel_.add(m, -1, at(x_[0], k) + i, at(x_[1], k) + i); });
  threshold(0, x_[0]);
  try_pair(x_[0], x_[1], x_[2], 1);
}

// The y, in x[0], whose A^T y is nearest to the multipliers in x, which is used up.
template <class T>
T* Solver<T>::explain_multipliers() noexcept {
  if (!plan_.noise) {
    named(Kind::reflect, x_[0]);
    named(Kind::rotate, x_[1]);
    each([&](int k, size_t i, size_t m, size_t) {
      kernel_.weigh_pairs(i, m, plan_.ratio, plan_.inverse, at(x_[1], k) + i, at(x_[0], k) + i);
    });
    general(kMultipliers, x_[0]);
    return x_[0];
  }
  named(Kind::zeta, x_[0]);
  if (!plan_.and_only) named(Kind::or_inverse, x_[1]);
  each([&](int k, size_t i, size_t m, size_t) {
    if (!plan_.and_only) kernel_.add(m, -1, at(x_[1], k) + i, at(x_[0], k) + i);
    kernel_.add(m, static_cast<T>(scale_), at(x_[2], k) + i, at(x_[0], k) + i);
  });
  solve(x_[0]);
  return x_[0];
}

// x <- q - z
template <class T>
void Solver<T>::take_multipliers() noexcept {
  for (int b = 0; b < 3; ++b) {
    if (q_[b] == nullptr) continue;
    each([&](int k, size_t i, size_t m, size_t) {
      if (joint() && b < 2) {
        for (size_t j = offset(k) + i; j < offset(k) + i + m; ++j) x_[b][j] = q_[b][j] - z_[b][j];
      } else {
        kernel_.excess(prox(b, k), i, m, at(q_[b], k) + i, at(x_[b], k) + i);
      }
    });
  }
}

// The multipliers q - z as a bound; returns their y. Uses x.
template <class T>
T* Solver<T>::find_bound() noexcept {
  take_multipliers();
  T* const y = explain_multipliers();
  find_bound_of(y, plan_.noise ? x_[2] : x_[1]);
  return y;
}

template <class T>
void Solver<T>::find_bound_of(T* y, T* image) noexcept {
  double members = 0;
  for (int m = plan_.band_from; m <= plan_.band_to; ++m) members += static_cast<double>(binomial(plan_.n, m));
  if (members == 0) return;  // the bound stays 0
  const bool all = members == static_cast<double>(count_);
  double product = 0, norm = 0, size = 0, loss = 0;
  for (int k = 0; k < plan_.networks; ++k) {
    T* const part = at(y, k);
    if (!all) {
      for (size_t s = 0; s < count_; ++s) part[s] = in_band(s) ? part[s] : 0;
    }
    double parts[kMostBlocks], mean = 0;
    const size_t blocks = (count_ + kBlock - 1) / kBlock;
    const auto over = [&](const auto& body) {
      parallel_for(static_cast<int64_t>(blocks), scratch_.threads, [&](int64_t block, int) {
        const size_t first = static_cast<size_t>(block) * kBlock;
        body(first, std::min(count_ - first, kBlock), static_cast<size_t>(block));
      });
    };
    over([&](size_t i, size_t m, size_t block) { parts[block] = kernel_.sum(m, part + i); });
    for (size_t block = 0; block < blocks; ++block) mean += parts[block];
    mean /= members;
    if (!all) {
      for (size_t s = 0; s < count_; ++s) part[s] = in_band(s) ? part[s] - static_cast<T>(mean) : 0;
    }
    double sizes[kMostBlocks];
    over([&](size_t i, size_t m, size_t block) {
      kernel_.dual_sums(m, sample_.v + offset(k) + i, origin(k), static_cast<T>(all ? mean : 0), part + i,
                        parts + block, sizes + block);
    });
    for (size_t block = 0; block < blocks; ++block) {
      product += parts[block] - zeta(k) * sizes[block];
      size += sizes[block];
      loss += (spread_ + zeta(k)) * sizes[block];
    }
  }
  for (int kind = 0; kind < kinds(); ++kind) {
    named(kind == 0 ? Kind::superset_zeta : Kind::or_inverse, y, image);
    double most = 0;
    if (joint()) {
      for (size_t i = 0; i < count_; i += kBlock) {
        most = std::max(most, kernel_.joint_max(static_cast<T>(options_.alpha), plan_.networks, count_, i,
                                                std::min(count_ - i, kBlock), plan_.weight, image + i));
      }
    } else {
      most = maximum([&](int, size_t i, size_t m) {
        return kernel_.normalised_max(i, m, plan_.inverse_weight, 0, plan_.halves, image + i);
      });
    }
    norm = std::max(norm, most);
  }
  // Multipliers that cancel could promise more than there is: what f64 may lose of the sums is taken off.
  const double lost = bound_rounding(plan_.n), dearest = largest_inverse_weight(options_.weights, plan_.n);
  const double value = (product - lost * loss) / (norm + lost * dearest * size);
  if (!(norm > 0 && value > bound_)) return;
  bound_ = value;
  each([&](int k, size_t i, size_t m, size_t) {
    const size_t from = offset(k) + i;
    for (size_t j = from; j < from + m; ++j) sample_.dual[j] = static_cast<double>(y[j]) / norm;
  });
}

// What rounding left of the constraint goes to the nearest pair, in f64; or_ is still internal. Moved into the AND part
// alone it would cost up to 3^n times its size. That of f32 is as large everywhere, and would cost a thousandth at
// n = 16: the noise takes it first, as far as its box holds it, which costs nothing.
template <class T>
void Solver<T>::repair(bool of_f32) noexcept {
  if (plan_.excluded) return;
  double* const rest = reinterpret_cast<double*>(scratch_.memory);
  double* const other = rest + count_;
  for (int k = 0; k < plan_.networks; ++k) {
    double* const a = sample_.and_ + offset(k);
    double* const o = sample_.or_ + offset(k);
    std::memcpy(rest, a, count_ * sizeof(double));
    std::memcpy(other, o, count_ * sizeof(double));
    wide(Kind::zeta, rest);
    wide(Kind::or_inverse, other);
    double most = 0, size = 0;
    for (size_t i = 0; i < count_; ++i) {
      rest[i] = (sample_.v[offset(k) + i] - origin(k)) - (rest[i] - other[i]);
      if (plan_.noise) {
        double& delta = sample_.delta[offset(k) + i];
        if (of_f32) delta = std::min(std::max(rest[i], -zeta(k)), zeta(k));
        rest[i] -= delta;
      }
      most = std::max(most, std::fabs(rest[i]));
      size += std::fabs(a[i]) + std::fabs(o[i]);
    }
    if (most <= 1e-16 * (plan_.n + 1) * (size + spread_)) continue;
    if (plan_.and_only) {
      wide(Kind::mobius, rest);
      for (size_t i = 0; i < count_; ++i) a[i] += rest[i];
      continue;
    }
    double inverse[HARSANYI_MAX_DECOMPOSE_PLAYERS + 1];
    for (int m = 0; m <= plan_.n; ++m) inverse[m] = 1 / (1 + std::pow(kPhi, 4 * m - 2 * plan_.n));
    wide(kInversePencil, rest);
    for (size_t i = 0; i < count_; ++i) rest[i] *= inverse[order(i)];
    wide(kInversePencilT, rest);
    std::memcpy(other, rest, count_ * sizeof(double));
    wide(Kind::superset_zeta, rest);
    wide(Kind::or_inverse, other);
    for (size_t i = 0; i < count_; ++i) {
      a[i] += rest[i];
      o[i] -= other[i];
    }
  }
}

// From (a, o) of v - v[0] to the pair in its gauge: OR synthesis is zero on the empty set.
template <class T>
void Solver<T>::finish() noexcept {
  repair(false);
  for (int k = 0; k < plan_.networks; ++k) {
    double* const a = sample_.and_ + offset(k);
    double* const o = sample_.or_ + offset(k);
    for (size_t i = 1; i < count_; ++i) o[i] = o[i] != 0 ? -o[i] : 0;
    if (options_.merge_singletons) {
      for (size_t i = 1; i < count_; i <<= 1) {
        a[i] += o[i];
        o[i] = 0;
      }
    }
    o[0] = 0;
    double total = 0;
    for (size_t i = 1; i < count_; ++i) total += o[i];
    a[0] = origin(k) - (sample_.delta != nullptr ? sample_.delta[offset(k)] : 0);
    o[0] = total != 0 ? -total : 0;
  }
}

// AND alone without noise is one transform; its multipliers are the signs.
template <class T>
harsanyi_decompose_report Solver<T>::and_alone() noexcept {
  best_ = 0;
  bool excluded = false;
  for (int k = 0; k < plan_.networks; ++k) {
    double* const a = sample_.and_ + offset(k);
    double* const y = sample_.dual + offset(k);
    for (size_t i = 0; i < count_; ++i) a[i] = sample_.v[offset(k) + i] - origin(k);
    wide(Kind::mobius, a);
    for (size_t i = 0; i < count_; ++i) {
      const double w = weight(i);
      excluded = excluded || (std::isinf(w) && std::fabs(a[i]) > 1e-12 * plain_);
      if (std::isinf(w)) a[i] = 0;
      y[i] = std::isinf(w) || a[i] == 0 ? 0 : std::copysign(w, a[i]);
      best_ += std::isinf(w) ? 0 : w * std::fabs(a[i]);
    }
    wide(Kind::superset_mobius, y);
    a[0] = origin(k);
  }
  std::memset(sample_.or_, 0, all_ * sizeof(double));
  if (sample_.delta != nullptr) std::memset(sample_.delta, 0, all_ * sizeof(double));
  if (!excluded) return {best_, best_, 0, HARSANYI_DECOMPOSE_OPTIMAL};
  std::fill(sample_.and_, sample_.and_ + all_, NAN);
  std::fill(sample_.or_, sample_.or_ + all_, NAN);
  return {INFINITY, 0, 0, HARSANYI_DECOMPOSE_NOT_FOUND};
}

}  // namespace harsanyi
