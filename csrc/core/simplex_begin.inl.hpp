// The bases from which the dual simplex method begins.
#pragma once

#include <algorithm>
#include <cstring>

#include "../lattice/bits.hpp"
#include "simplex.hpp"

namespace harsanyi {
namespace {

// Rows that should be in a basis before others are worth 1, the others not less than this.
constexpr double kLeastWorth = 1e-3;
// Coefficients that are zero by less than this share of their threshold may belong to the optimum.
constexpr double kNear = 0.005;
// A point of the iteration says too little if a sum of its multipliers is above its cost by more than this; sums above
// their costs are shifted to just below, up to this share.
constexpr double kMostExcess = 3, kSlack = 0.02;

// A coefficient's or a subset's column or row, and how far it is above its threshold.
struct Excess {
  double size;
  uint32_t index;
};

bool larger(const Excess& a, const Excess& b) { return a.size > b.size || (a.size == b.size && a.index < b.index); }

}  // namespace

// No terms, no multipliers.
template <class T>
void Simplex<T>::begin() noexcept {
  basis_.clear();
  for (T* sums : sums_) std::memset(sums, 0, count_ * sizeof(T));
  for (size_t i = 0; i < count_; ++i) residual_[i] = static_cast<T>(sample_.v[i] - sample_.v[0]);
  std::fill(length_, length_ + count_, T{1});
  select_row();
}

// The terms of the sample's result, and as many of the subsets where its noise is at its box, those with multipliers
// first; false if there are too many terms.
template <class T>
bool Simplex<T>::read_terms() noexcept {
  double most_dual = 0, most_delta = 0;
  for (size_t i = 0; i < count_; ++i) {
    most_dual = std::max(most_dual, std::fabs(sample_.dual[i]));
    most_delta = std::max(most_delta, std::fabs(sample_.delta[i]));
  }
  basis_.clear();
  basis_.append_column(0);
  for (size_t i = 1; i < count_; ++i) {
    const bool single = order(i) == 1;
    const double values[2] = {sample_.and_[i] + (single ? sample_.or_[i] : 0), single ? 0 : -sample_.or_[i]};
    for (uint32_t kind = 0; kind < static_cast<uint32_t>(kinds()); ++kind) {
      if (values[kind] == 0) continue;
      if (basis_.size() == basis_.most()) return false;
      basis_.append_column(static_cast<uint32_t>(i) | (kind == 0 ? 0 : Basis::kOr));
    }
  }
  const size_t terms = basis_.size();
  uint32_t* const rows = reinterpret_cast<uint32_t*>(edge_);
  size_t found = 0;
  for (const bool pulls : {true, false}) {
    for (size_t i = 0; i < count_ && found < basis_.most(); ++i) {
      if (std::fabs(sample_.delta[i]) < (1 - 1e-6) * most_delta) continue;
      if ((std::fabs(sample_.dual[i]) > 1e-9 * most_dual) != pulls) continue;
      spare_[found] = pulls ? 1 : kLeastWorth;
      rows[found++] = static_cast<uint32_t>(i);
    }
  }
  basis_.choose(table_, rows, spare_, found);
  if (basis_.size() < terms) basis_.clear();
  for (size_t l = 0; l < basis_.size(); ++l) {
    const uint32_t column = basis_.column(l);
    const size_t set = column & ~Basis::kOr;
    const bool is_or = column >= Basis::kOr, single = order(set) == 1;
    const double value = is_or ? -sample_.or_[set] : sample_.and_[set] + (single ? sample_.or_[set] : 0);
    sign_[l] = set == 0 || !(cost(column) > 0) ? 0 : (value > 0 ? 1 : -1);
    end_[l] = sample_.delta[basis_.row(l)] > 0 ? 1 : -1;
  }
  return true;
}

// A basis of another game is dual feasible for this one too, if the weights are the same. False if the result is not
// one of few terms.
template <class T>
bool Simplex<T>::begin_warm() noexcept {
  if (!read_terms()) return false;
  bool feasible = basis_.size() > 0;
  if (feasible) {
    std::fill(length_, length_ + count_, T{1});
    solve_basis();
    for (uint32_t kind = 0; kind < static_cast<uint32_t>(kinds()); ++kind) {
      for (size_t i = 0; i < count_; ++i) {
        const double most = cost(static_cast<uint32_t>(i) | (kind == 0 ? 0 : Basis::kOr));
        feasible = feasible && !(std::fabs(sums_[kind][i]) > most + 1e-6 * (1 + most));
      }
    }
  }
  if (feasible) {
    measure_edges();
  } else {
    begin();
  }
  return true;
}

// Squared edge lengths from their definition; a pair of transforms for each row of the basis, in f32: they only choose.
template <class T>
void Simplex<T>::measure_edges() noexcept {
  const size_t size = basis_.size();
  float* const column = reinterpret_cast<float*>(alpha_);
  for (size_t l = 0; l < size; ++l) {
    const double* const row = basis_.inverse_row(l);
    x_length_[l] = 0;
    for (size_t k = 0; k < size; ++k) x_length_[l] += row[k] * row[k];
  }
  std::fill(length_, length_ + count_, T{1});
  for (size_t k = 0; k < size; ++k) {
    if (interrupt_.stopped()) return;  // and so will be what comes next
    basis_.inverse_column(k, x_alpha_);
    image(x_alpha_, 1, {}, column);
    each([&](size_t i, size_t m, size_t) { passes_.add_squares(m, column + i, length_ + i); });
  }
  for (size_t k = 0; k < size; ++k) length_[basis_.row(k)] = static_cast<T>(INFINITY);
  select_row();
}

// The coefficients of the point and those just below their threshold, the largest first; false if they are too many.
template <class T>
bool Simplex<T>::read_columns(const Point& point) noexcept {
  Excess* const terms = reinterpret_cast<Excess*>(found_[0]);
  size_t found = 0;
  for (uint32_t kind = 0; kind < static_cast<uint32_t>(kinds()); ++kind) {
    for (size_t i = 1; i < count_; ++i) {
      if (kind == 1 && order(i) == 1) continue;
      const double threshold = point.unit * point.weight[table_place(i)];
      const double size = std::fabs(point.q[kind][i]) - threshold;
      if (!(size > -kNear * threshold)) continue;
      if (found + 1 >= point.most_terms) return false;
      terms[found++] = {size, static_cast<uint32_t>(i) | (kind == 0 ? 0 : Basis::kOr)};
    }
  }
  std::sort(terms, terms + found, larger);
  basis_.clear();
  basis_.append_column(0);
  for (size_t l = 0; l < found; ++l) basis_.append_column(terms[l].index);
  return true;
}

// The subsets where the point's noise pulls most at its box, twice as many as there are columns or fewer.
template <class T>
size_t Simplex<T>::read_rows(const Point& point, uint32_t* rows, double* worth) noexcept {
  Excess* const pulls = reinterpret_cast<Excess*>(found_[0]);
  size_t found = 0;
  for (size_t i = 0; i < count_; ++i) {
    const double size = std::fabs(point.q[2][i]) - box_ / point.scale;
    if (size > 0) pulls[found++] = {size, static_cast<uint32_t>(i)};
  }
  const size_t kept = std::min(found, std::min(2 * basis_.size(), basis_.most()));
  std::partial_sort(pulls, pulls + kept, pulls + found, larger);
  for (size_t k = 0; k < kept; ++k) {
    rows[k] = pulls[k].index;
    worth[k] = std::max(pulls[k].size / pulls[0].size, kLeastWorth);
  }
  return kept;
}

// Sums above their costs become a little less, as if a coefficient had a price besides; returns the largest share.
template <class T>
double Simplex<T>::shift_costs() noexcept {
  double most = 0;
  for (uint32_t kind = 0; kind < static_cast<uint32_t>(kinds()); ++kind) {
    for (size_t i = 1; i < count_; ++i) {
      const uint32_t column = static_cast<uint32_t>(i) | (kind == 0 ? 0 : Basis::kOr);
      const double share = static_cast<double>(std::fabs(sums_[kind][i])) / cost(column);
      if (!(share > 1)) continue;
      most = std::max(most, share);
      const double chance = spread_[i % kTableRow] * spread_[(i / kTableRow * kSpread + kind) % kTableRow];
      sums_[kind][i] = static_cast<T>(std::copysign(cost(column) * (1 - kSlack * chance), sums_[kind][i]));
    }
  }
  return most;
}

// The multipliers of the point at the rows of the basis, and the costs for which they are optimal: a coefficient of the
// basis costs what its sum is.
template <class T>
bool Simplex<T>::begin_at(const Point& point) noexcept {
  if (!read_columns(point)) return false;
  uint32_t* const rows = reinterpret_cast<uint32_t*>(edge_);
  basis_.choose(table_, rows, spare_, read_rows(point, rows, spare_));
  for (size_t k = 0; k < basis_.size(); ++k) {
    const uint32_t row = basis_.row(k);
    end_[k] = point.q[2][row] > 0 ? 1 : -1;
    y_[k] = (point.q[2][row] - end_[k] * box_ / point.scale) / (point.unit * point.scale);
    spare_[k] = aimed(k);
  }
  basis_.solve(table_, spare_, x_);
  adjoint(y_, {}, sums_);
  for (size_t l = 0; l < basis_.size(); ++l) {
    const uint32_t column = basis_.column(l);
    sign_[l] = column == 0 ? 0 : std::copysign(1, *part(sums_, column));
  }
  shifted_ = true;
  if (shift_costs() > kMostExcess) return false;
  std::fill(length_, length_ + count_, T{1});
  recompute();
  measure_edges();
  return true;
}

}  // namespace harsanyi
