// The primal simplex method: from a vertex with its noise inside the box to the optimum of the true costs.
//
// A pivot takes two pairs of lattice transforms (AND alone: one of each): the sums A^T y of the multipliers, made anew
// each time, and how the residuals move with what enters.
//   - What enters has the largest excess^2 / weight: a coefficient whose sum is above its cost, or a subset whose noise
//     does better inside its box. The weights are Devex's, one for both kinds of a set.
//   - Coefficients may pass zero on the way as long as the objective falls (long steps); the first residual at the box
//     ends it. Among nearly equal ones that with the largest movement leaves (Harris).
//   - Every pivot's multipliers, scaled down to their costs, are a bound: it stops when that is near enough.
#include <algorithm>
#include <cstring>

#include "simplex.hpp"

namespace harsanyi {
namespace {

// Movements below this share of the direction are rounding.
constexpr double kRounding = 1e-9;
// It ends at this share of the gap asked for, since the raised costs say a little less than the true ones.
constexpr double kEnough = 0.95;
const double kNoSpread[kTableRow] = {};

}  // namespace

// The multipliers of the basis and their sums; what enters best, with its excess as `step`. share: of the last pivot,
// the root of the entering weight over its excess.
Simplex::Entering Simplex::price(double share, Price* best) noexcept {
  const size_t size = basis_.size();
  for (int kind = 0; kind < kinds(); ++kind) std::swap(sums_[kind], move_[kind]);
  std::copy(y_, y_ + size, edge_);
  solve_multipliers();
  adjoint(y_, {}, sums_);
  for (size_t l = 0; l < size; ++l) *part(sums_, basis_.column(l)) = sign_[l] * cost(basis_.column(l));
  Entering entering;
  *best = {0, 1};
  for (int kind = 0; kind < kinds(); ++kind) {
    const ColumnCosts costs{weight_, low_, spread_, static_cast<size_t>(kind)};
    Price parts[kMostBlocks];
    size_t where[kMostBlocks];
    const Price before = *best;
    each([&](size_t i, size_t m, size_t block) {
      parts[block] = before;
      table_.simplex.price(costs, i, m, dual_tolerance_, share, sums_[kind] + i, move_[kind] + i, length_ + i,
                           parts + block, where + block);
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
    entering.step = std::fabs(*part(sums_, column)) - cost(column);
  }
  return entering;
}

// Whether the multipliers over the largest share of a cost that their sums take are a bound that is near enough.
bool Simplex::is_near(double norm) const noexcept {
  double value = 0, bound = 0;
  for (size_t l = 0; l < basis_.size(); ++l) value += sign_[l] * cost(basis_.column(l)) * x_[l];
  for (size_t k = 0; k < basis_.size(); ++k) {
    bound += y_[k] * (sample_.v[basis_.row(k)] - sample_.v[0]) - box_ * std::fabs(y_[k]);
  }
  return bound >= (1 - kEnough * gap_) * value * norm;
}

// x_alpha_: what a unit of what enters takes from the basis; alpha_: how the residuals move with a unit of the step.
void Simplex::find_direction(const Entering& entering, double side) noexcept {
  solve_entering(entering);
  image(x_alpha_, side, {static_cast<uint32_t>(entering.index), entering.is_row ? 0 : -side}, alpha_);
  for (size_t k = 0; k < basis_.size(); ++k) alpha_[basis_.row(k)] = 0;
}

// What stops the step, and where. spare_ is -1 for coefficients that pass zero. No score: nothing does.
Simplex::Leaving Simplex::choose_blocking(const Entering& entering, double side, double* step) noexcept {
  const size_t size = basis_.size();
  double length = 1;
  for (size_t l = 0; l < size; ++l) length += x_alpha_[l] * x_alpha_[l];
  const double counts = kRounding * std::sqrt(length);
  const Ratio room{{room_, low_, kNoSpread, 0}, residual_, alpha_, tau_};
  Leaving leaving;
  *step = INFINITY;
  if (ratio_test(&room, 1, margin_, counts, &leaving.index) >= 0) {
    const double move = alpha_[leaving.index], residual = residual_[leaving.index];
    *step = std::max((aim() - (move < 0 ? -residual : residual)) / std::fabs(move), 0.0);
    leaving = {true, leaving.index, move < 0 ? -1.0 : 1.0, 1, 0};
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
bool Simplex::improve_once(const Entering& entering, double* share) noexcept {
  const size_t size = basis_.size();
  const uint32_t column = static_cast<uint32_t>(entering.index);
  const double side = entering.is_row ? -end_[entering.index] : std::copysign(1, *part(sums_, column));
  find_direction(entering, side);
  double step;
  const Leaving leaving = choose_blocking(entering, side, &step);
  if (!(leaving.score > 0)) return false;
  if (leaving.is_row && !entering.is_row && size == basis_.most()) return false;
  *share = std::sqrt(entering.is_row ? x_tau_[entering.index] : length_[column & ~Basis::kOr]) / entering.step;
  fresh_ = false;
  for (size_t l = 0; l < size; ++l) {
    if (spare_[l] == -1) sign_[l] = -sign_[l];
    x_[l] -= step * side * x_alpha_[l];
  }
  each([&](size_t i, size_t m, size_t) { table_.sparse<double>().add(m, step, alpha_ + i, residual_ + i); });
  if (entering.is_row && leaving.is_row && leaving.index == basis_.row(entering.index)) {
    end_[entering.index] = side;
    residual_[leaving.index] = side * aim();
    return true;
  }
  const double pivot = leaving.is_row ? -side * alpha_[leaving.index] : x_alpha_[leaving.index];
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

// The vertex anew from the lists of rows and columns, refined once, since the inverse is that of many pivots; whether
// its noise is inside the box.
bool Simplex::settle() noexcept {
  const size_t size = basis_.size();
  std::fill(x_, x_ + size, 0.0);
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t k = 0; k < size; ++k) {
      spare_[k] = aimed(k);
      for (size_t l = 0; l < size; ++l) spare_[k] -= Basis::entry(basis_.row(k), basis_.column(l)) * x_[l];
    }
    basis_.solve(table_, spare_, x_alpha_);
    for (size_t l = 0; l < size; ++l) x_[l] += x_alpha_[l];
  }
  recompute();
  scatter();
  return !(next_score_ > 0);
}

bool Simplex::improve(int64_t most_pivots) noexcept {
  shifted_ = false;
  std::fill(length_, length_ + count_, 1.0);
  std::fill(x_tau_, x_tau_ + basis_.most(), 1.0);
  double share = 0;
  for (int64_t left = most_pivots; !interrupt_.stopped(); --left) {
    Price best;
    const Entering entering = price(share, &best);
    if (!(best.score > 0) || is_near(best.norm) || left <= 0) break;
    if (!improve_once(entering, &share)) break;
    ++pivots_;
  }
  return settle();
}

}  // namespace harsanyi
