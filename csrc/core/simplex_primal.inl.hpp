// The primal simplex method: from a vertex with its noise inside the box to the optimum of the true costs.
//
// A pivot takes two pairs of lattice transforms (AND alone: one of each): the sums A^T y of the multipliers, made anew
// each time, and how the residuals move with what enters.
//   - What enters has the largest excess^2 / weight: a coefficient whose sum is above its cost, or a subset whose noise
//     does better inside its box. The weights are Devex's, one for both kinds of a set.
//   - Coefficients may pass zero on the way as long as the objective falls (long steps); the first residual at the box
//     ends it. Among nearly equal ones that with the largest movement leaves (Harris).
//   - Every pivot's multipliers, scaled down to their costs, are a bound: it stops when that is near enough.
#pragma once

#include <algorithm>
#include <cstring>

#include "simplex.hpp"

namespace harsanyi {
namespace {

// Weights above this begin anew: they would grow without end.
constexpr double kMostWeight = 1e6;
// Residuals in f32 are made anew after so many pivots.
constexpr int64_t kFreshEvery = 32;
// It ends at this share of the gap asked for, since the raised costs say a little less than the true ones.
constexpr double kEnough = 0.95;
const double kNoSpread[kTableRow] = {};

}  // namespace

// The multipliers of the basis and their sums; what enters best, with its excess as `step`. share: of the last pivot,
// the root of the entering weight over its excess.
template <class T>
typename Simplex<T>::Entering Simplex<T>::price(double share, Price* best) noexcept {
  const size_t size = basis_.size();
  for (int kind = 0; kind < kinds(); ++kind) std::swap(sums_[kind], move_[kind]);
  std::copy(y_, y_ + size, edge_);
  solve_multipliers();
  adjoint(y_, {}, sums_);
  for (size_t l = 0; l < size; ++l) {
    *part(sums_, basis_.column(l)) = static_cast<T>(sign_[l] * cost(basis_.column(l)));
  }
  Entering entering;
  *best = {0, 1};
  for (int kind = 0; kind < kinds(); ++kind) {
    const ColumnCosts<T> costs{price_, low_price_, spread_, static_cast<size_t>(kind)};
    Price parts[kMostBlocks];
    size_t where[kMostBlocks];
    const Price before = *best;
    each([&](size_t i, size_t m, size_t block) {
      parts[block] = before;
      passes_.price(costs, i, m, dual_tolerance_, share, sums_[kind] + i, move_[kind] + i, length_ + i, parts + block,
                    where + block);
    });
    for (size_t block = 0; block < blocks(); ++block) {
      best->norm = std::max(best->norm, parts[block].norm);
      if (!(parts[block].score > best->score)) continue;
      best->score = parts[block].score;
      entering.index = block * kBlock + where[block] + (kind == 0 ? 0 : size_t{Basis::kOr});
    }
  }
  for (size_t k = 0; k < size; ++k) {
    const double way = share * (y_[k] - edge_[k]), wrong = -end_[k] * y_[k];
    x_tau_[k] = std::max(x_tau_[k], way * way);
    if (!(wrong > dual_tolerance_ && wrong * wrong > best->score * x_tau_[k])) continue;
    best->score = wrong * wrong / x_tau_[k];
    entering = {true, k};
  }
  if (!(best->score > 0)) return entering;
  if (entering.is_row) {
    entering.step = std::fabs(y_[entering.index]);
  } else {
    const uint32_t column = static_cast<uint32_t>(entering.index);
    const double sum = adjoint_at(y_, {}, column);
    entering.step = std::max(std::fabs(sum) - cost(column), dual_tolerance_);
    entering.side = std::copysign(1, sum);
  }
  return entering;
}

// Whether the multipliers over the largest share of a cost that their sums take are a bound that is near enough.
template <class T>
bool Simplex<T>::is_near(double norm) const noexcept {
  double value = 0, bound = 0;
  for (size_t l = 0; l < basis_.size(); ++l) value += sign_[l] * cost(basis_.column(l)) * x_[l];
  for (size_t k = 0; k < basis_.size(); ++k) {
    bound += y_[k] * (sample_.v[basis_.row(k)] - sample_.v[0]) - box_ * std::fabs(y_[k]);
  }
  return bound >= (1 - kEnough * gap_) * value * norm;
}

// x_alpha_: what a unit of what enters takes from the basis; alpha_: how the residuals move with a unit of the step.
template <class T>
void Simplex<T>::find_direction(const Entering& entering, double side) noexcept {
  solve_entering(entering);
  image(x_alpha_, side, {static_cast<uint32_t>(entering.index), entering.is_row ? 0 : -side}, alpha_);
  for (size_t k = 0; k < basis_.size(); ++k) alpha_[basis_.row(k)] = 0;
}

// One entry of it, in f64.
template <class T>
double Simplex<T>::direction_at(const Entering& entering, double side, uint32_t row) const noexcept {
  return image_at(x_alpha_, side, {static_cast<uint32_t>(entering.index), entering.is_row ? 0 : -side}, row);
}

// What stops the step, and where. spare_ is -1 for coefficients that pass zero. No score: nothing does.
template <class T>
typename Simplex<T>::Leaving Simplex<T>::choose_blocking(const Entering& entering, double side, double* step) noexcept {
  const size_t size = basis_.size();
  double length = 1;
  for (size_t l = 0; l < size; ++l) length += x_alpha_[l] * x_alpha_[l];
  const double counts = kMoveError<T> * std::sqrt(length);
  const Ratio room{{room_, low_price_, kNoSpread, 0}, residual_, alpha_, tau_};
  Leaving leaving;
  *step = INFINITY;
  if (ratio_test(&room, 1, margin_, counts, &leaving.index) >= 0) {
    const uint32_t row = static_cast<uint32_t>(leaving.index);
    const double move = direction_at(entering, side, row), residual = residual_at(row);
    *step = std::max((aim() - (move < 0 ? -residual : residual)) / std::fabs(move), 0.0);
    leaving = {true, row, move < 0 ? -1.0 : 1.0, 1, 0};
  }
  if (entering.is_row && 2 * aim() < *step) {  // from one end of its box to the other
    *step = 2 * aim();
    leaving = {true, basis_.row(entering.index), side, 1, 0};
  }
  double slope = -entering.step;
  for (size_t l = 0; l < size; ++l) {
    const bool falls = sign_[l] * side * x_alpha_[l] > counts;
    spare_[l] = falls ? std::max(x_[l] / (side * x_alpha_[l]), 0.0) : INFINITY;
  }
  for (;;) {
    size_t first = size;
    for (size_t l = 0; l < size; ++l) {
      if (spare_[l] >= 0 && spare_[l] < (first < size ? spare_[first] : *step)) first = l;
    }
    if (first == size) return leaving;
    slope += 2 * cost(basis_.column(first)) * std::fabs(x_alpha_[first]);
    if (!(slope < 0)) {
      *step = spare_[first];
      return {false, first, -sign_[first], 1, 0};
    }
    spare_[first] = -1;
  }
}

// One pivot, or a flip; false if nothing bounds the step, or the basis is full.
template <class T>
bool Simplex<T>::improve_once(const Entering& entering, double* share) noexcept {
  const size_t size = basis_.size();
  const uint32_t column = static_cast<uint32_t>(entering.index);
  const double side = entering.is_row ? -end_[entering.index] : entering.side;
  find_direction(entering, side);
  double step;
  const Leaving leaving = choose_blocking(entering, side, &step);
  if (!(leaving.score > 0)) return false;
  if (leaving.is_row && !entering.is_row && size == basis_.most()) return false;
  double held = entering.is_row ? x_tau_[entering.index] : static_cast<double>(length_[column & ~Basis::kOr]);
  if (held > kMostWeight) {
    begin_weights();
    held = 1;
  }
  *share = std::sqrt(held) / entering.step;
  fresh_ = false;
  for (size_t l = 0; l < size; ++l) {
    if (spare_[l] == -1) sign_[l] = -sign_[l];
    x_[l] -= step * side * x_alpha_[l];
  }
  each([&](size_t i, size_t m, size_t) { table_.sparse<T>().add(m, static_cast<T>(step), alpha_ + i, residual_ + i); });
  if (entering.is_row && leaving.is_row && leaving.index == basis_.row(entering.index)) {
    end_[entering.index] = side;
    residual_[leaving.index] = static_cast<T>(side * aim());
    return true;
  }
  const uint32_t row = static_cast<uint32_t>(leaving.index);
  const double pivot = leaving.is_row ? -side * direction_at(entering, side, row) : x_alpha_[leaving.index];
  if (leaving.is_row) {
    find_edge(leaving);
  } else {
    length_[basis_.column(leaving.index) & ~Basis::kOr] = 1;
  }
  exchange(leaving, {entering.is_row, entering.index, 0}, {side * step, 1 / pivot, 0, box_}, side);
  const size_t last = basis_.size();
  if (leaving.is_row) {
    x_tau_[entering.is_row ? entering.index : size] = 1;
  } else if (entering.is_row) {
    x_tau_[entering.index] = x_tau_[last];
  }
  return true;
}

// The vertex anew from the lists of rows and columns; whether its noise is inside the box.
template <class T>
bool Simplex<T>::settle() noexcept {
  solve_coefficients();
  recompute();
  scatter();
  return !(next_score_ > 0);
}

template <class T>
void Simplex<T>::begin_weights() noexcept {
  std::fill(length_, length_ + count_, T{1});
  std::fill(x_tau_, x_tau_ + basis_.most(), 1.0);
}

template <class T>
bool Simplex<T>::improve(int64_t most_pivots) noexcept {
  shifted_ = false;
  for (T* sums : sums_) std::memset(sums, 0, count_ * sizeof(T));
  begin_weights();
  double share = 0;
  for (int64_t left = most_pivots; !interrupt_.stopped(); --left) {
    Price best;
    const Entering entering = price(share, &best);
    if (!(best.score > 0) || is_near(best.norm) || left <= 0) break;
    if (!improve_once(entering, &share)) break;
    if (++pivots_ % kFreshEvery == 0 && kIsF32<T>) residuals_anew();
  }
  return settle();
}

}  // namespace harsanyi
