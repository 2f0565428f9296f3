// One pivot of the dual simplex method.
#pragma once

#include <algorithm>
#include <cstring>

#include "simplex.hpp"

namespace harsanyi {
namespace {

// Movements below this share of the edge, or of the direction, are rounding.
constexpr double kRounding = 1e-9;
template <class T>
constexpr double kMoveError = kIsF32<T> ? 3e-6 : kRounding;
// The two ways to compute a pivot may differ by this share of it, else the inverse is made anew; and so it is after
// this many pivots.
constexpr double kPivotError = 1e-6;
constexpr int64_t kRefreshEvery = 500;

}  // namespace

template <class T>
typename Simplex<T>::Leaving Simplex<T>::choose_leaving() const noexcept {
  Leaving leaving{true, next_row_, residual_[next_row_] > 0 ? 1.0 : -1.0, next_score_, 0};
  if (next_score_ > 0) leaving.excess = std::fabs(residual_[next_row_]) - box_;
  for (size_t l = 0; l < basis_.size(); ++l) {
    const double wrong = -sign_[l] * x_[l], score = wrong * wrong / x_length_[l];
    if (wrong > margin_ && score > leaving.score) leaving = {false, l, -sign_[l], score, wrong};
  }
  return leaving;
}

template <class T>
typename Simplex<T>::Pivot Simplex<T>::pivot() noexcept {
  const Leaving leaving = choose_leaving();
  if (!(leaving.score > 0)) return Pivot::optimal;
  if (pivots_ - refreshed_at_ >= kRefreshEvery) return refresh() ? Pivot::made : Pivot::failed;
  find_edge(leaving);
  sums_of_edge(leaving);
  const Entering entering = choose_entering(leaving);
  if (!std::isfinite(entering.step)) return Pivot::failed;
  const bool grows = leaving.is_row && !entering.is_row;
  if (grows && basis_.size() == basis_.most()) return Pivot::failed;
  move_dual(entering);
  fresh_ = false;
  if (!leaving.is_row && !entering.is_row && entering.index == basis_.column(leaving.index)) {
    sign_[leaving.index] = -sign_[leaving.index];
    if (flips_ > 0) {
      flip();
      select_row();
    }
    return Pivot::made;
  }
  if (flips_ > 0) flip();
  if (move_primal(leaving, entering)) return Pivot::made;
  return refresh() ? Pivot::made : Pivot::failed;
}

// The direction in which the multipliers move so that what leaves gets better, by row; that of a leaving row itself is
// the sign of its residual.
template <class T>
void Simplex<T>::find_edge(const Leaving& leaving) noexcept {
  const size_t size = basis_.size();
  edge_length_ = 0;
  if (leaving.is_row) {
    const uint32_t row = static_cast<uint32_t>(leaving.index);
    for (size_t l = 0; l < size; ++l) spare_[l] = Basis::entry(row, basis_.column(l));
    basis_.solve_transposed(table_, spare_, edge_);
    for (size_t k = 0; k < size; ++k) edge_[k] *= -leaving.sign;
    edge_length_ = 1;
  } else {
    const double* const row = basis_.inverse_row(leaving.index);
    for (size_t k = 0; k < size; ++k) edge_[k] = leaving.sign * row[k];
  }
  for (size_t k = 0; k < size; ++k) edge_length_ += edge_[k] * edge_[k];
}

template <class T>
void Simplex<T>::sums_of_edge(const Leaving& leaving) noexcept {
  adjoint(edge_, {static_cast<uint32_t>(leaving.index), leaving.is_row ? leaving.sign : 0}, move_);
  for (size_t l = 0; l < basis_.size(); ++l) *part(move_, basis_.column(l)) = 0;
  if (!leaving.is_row) *part(move_, basis_.column(leaving.index)) = static_cast<T>(leaving.sign);
}

// The same of one column, in f64.
template <class T>
double Simplex<T>::move_of(const Leaving& leaving, uint32_t column) const noexcept {
  if (!leaving.is_row && column == basis_.column(leaving.index)) return leaving.sign;
  return adjoint_at(edge_, {static_cast<uint32_t>(leaving.index), leaving.is_row ? leaving.sign : 0}, column);
}

// The two passes of a ratio test (Harris): the entry that moves most among the nearly nearest to its limit. Which
// vector it is of, -1 if no entry moves by more than `counts`; its place in *index.
template <class T>
int Simplex<T>::ratio_test(const Ratio* over, int vectors, double tolerance, double counts,
                           size_t* index) const noexcept {
  double parts[kMostBlocks], least = INFINITY, most = counts;
  size_t where[kMostBlocks], found[2][kMostBlocks];
  for (int k = 0; k < vectors; ++k) {
    const double before = least;
    each([&](size_t i, size_t m, size_t block) {
      parts[block] = passes_.least_ratio(over[k].limits, i, m, tolerance, counts, before, over[k].at + i,
                                         over[k].move + i, over[k].rows(i), found[k] + block);
    });
    for (size_t block = 0; block < blocks(); ++block) least = std::min(least, parts[block]);
  }
  int which = -1;
  for (int k = 0; k < vectors; ++k) {
    each([&](size_t i, size_t m, size_t block) {
      parts[block] = passes_.largest_move(over[k].limits, i, m, least, counts, over[k].at + i, over[k].move + i,
                                          over[k].rows(i), found[k][block], where + block);
    });
    for (size_t block = 0; block < blocks(); ++block) {
      if (!(parts[block] > most)) continue;
      most = parts[block];
      which = k;
      *index = block * kBlock + where[block];
    }
  }
  return which;
}

template <class T>
typename Simplex<T>::Entering Simplex<T>::choose_entering(const Leaving& leaving) noexcept {
  const double counts = kMoveError<T> * std::sqrt(edge_length_);
  Entering entering;
  const Ratio over[2] = {{{price_, low_price_, spread_, 0}, sums_[0], move_[0], alpha_},  // what is free now
                         {{price_, low_price_, spread_, 1}, sums_[1], move_[1], tau_}};
  const int kind = ratio_test(over, kinds(), dual_tolerance_, counts, &entering.index);
  if (kind >= 0) {
    entering.index += kind == 0 ? 0 : size_t{Basis::kOr};
    const uint32_t column = static_cast<uint32_t>(entering.index);
    const double move = move_of(leaving, column), sum = *part(sums_, column);
    entering.step = std::max((cost(column) - (move < 0 ? -sum : sum)) / std::fabs(move), 0.0);
  }
  pass_multipliers(leaving, entering);
  return entering;
}

// Multipliers that reach 0 before: each takes its noise to the other end of the box, as long as what leaves stays
// outside; the next one enters. spare_ is -1 for those that flip.
template <class T>
void Simplex<T>::pass_multipliers(const Leaving& leaving, Entering& entering) noexcept {
  const size_t size = basis_.size();
  for (size_t k = 0; k < size; ++k) {
    const bool falls = end_[k] * edge_[k] < -kRounding * std::sqrt(edge_length_);
    spare_[k] = falls ? std::max(-y_[k] / edge_[k], 0.0) : INFINITY;
  }
  double excess = leaving.excess;
  for (flips_ = 0;; ++flips_) {
    size_t first = size;
    for (size_t k = 0; k < size; ++k) {
      if (spare_[k] >= 0 && spare_[k] < (first < size ? spare_[first] : entering.step)) first = k;
    }
    if (first == size) return;
    excess -= 2 * box_ * std::fabs(edge_[first]);
    if (!(excess > 0)) {
      entering = {true, first, spare_[first]};
      return;
    }
    spare_[first] = -1;
  }
}

template <class T>
void Simplex<T>::move_dual(const Entering& entering) noexcept {
  for (size_t k = 0; k < basis_.size(); ++k) {
    y_[k] += entering.step * edge_[k];
    if (flips_ > 0 && spare_[k] == -1) end_[k] = -end_[k];
  }
  if (entering.step == 0) return;
  for (int kind = 0; kind < kinds(); ++kind) {
    each([&](size_t i, size_t m, size_t) {
      table_.sparse<T>().add(m, static_cast<T>(entering.step), move_[kind] + i, sums_[kind] + i);
    });
  }
}

// What the noise that went to the other end of its box leaves to the basis.
template <class T>
void Simplex<T>::flip() noexcept {
  for (size_t k = 0; k < basis_.size(); ++k) spare_[k] = spare_[k] == -1 ? 2 * end_[k] * aim() : 0;
  basis_.solve(table_, spare_, x_alpha_);
  for (size_t l = 0; l < basis_.size(); ++l) x_[l] -= x_alpha_[l];
  image(x_alpha_, 1, {}, alpha_);
  each([&](size_t i, size_t m, size_t) { table_.sparse<T>().add(m, 1, alpha_ + i, residual_ + i); });
}

// What enters by the basis: how much of each of its coefficients a unit takes.
template <class T>
void Simplex<T>::solve_entering(const Entering& entering) noexcept {
  if (entering.is_row) return basis_.inverse_column(entering.index, x_alpha_);
  const uint32_t column = static_cast<uint32_t>(entering.index);
  for (size_t k = 0; k < basis_.size(); ++k) spare_[k] = Basis::entry(basis_.row(k), column);
  basis_.solve(table_, spare_, x_alpha_);
}

// What enters takes the place of what leaves; false if the two ways to compute the pivot disagree.
template <class T>
bool Simplex<T>::move_primal(const Leaving& leaving, const Entering& entering) noexcept {
  const size_t size = basis_.size();
  const uint32_t column = entering.is_row ? 0 : static_cast<uint32_t>(entering.index);
  const double move = entering.is_row ? edge_[entering.index] : move_of(leaving, column);
  const double sign = leaving.sign;
  basis_.solve(table_, edge_, x_tau_);
  solve_entering(entering);
  const Term more{column, entering.is_row ? 0.0 : 1.0};
  image(x_alpha_, -1, more, alpha_);
  image(x_tau_, -sign, {}, tau_);

  const size_t out = leaving.index;
  const double alpha = leaving.is_row ? image_at(x_alpha_, -1, more, static_cast<uint32_t>(out)) : x_alpha_[out];
  if (!(std::fabs(alpha - sign * move) <= kPivotError * std::fabs(alpha))) return false;
  const double value = leaving.is_row ? residual_at(static_cast<uint32_t>(out)) - sign * aim() : x_[out];
  const RowUpdate by{value / alpha, 1 / alpha, edge_length_, box_};
  for (size_t l = 0; l < size; ++l) {
    const double share = x_alpha_[l] / alpha;
    x_[l] -= by.step * x_alpha_[l];
    x_length_[l] = std::max(x_length_[l] - share * (2 * sign * x_tau_[l] - share * edge_length_), share * share);
  }
  if (leaving.is_row) length_[out] = static_cast<T>(INFINITY);
  update_rows(by);
  if (entering.is_row) {
    const double length = std::max(edge_length_ * by.per_pivot * by.per_pivot, 1.0);
    length_[basis_.row(entering.index)] = static_cast<T>(length);
  }
  exchange(leaving, entering, by, move > 0 ? 1 : -1);
  return true;
}

// The rows' part of a step, and the best of them to leave next.
template <class T>
void Simplex<T>::update_rows(const RowUpdate& by) noexcept {
  double parts[kMostBlocks];
  size_t where[kMostBlocks];
  each([&](size_t i, size_t m, size_t block) {
    parts[block] = passes_.update_rows(by, m, 0, alpha_ + i, tau_ + i, residual_ + i, length_ + i, where + block);
  });
  next_score_ = 0;
  for (size_t block = 0; block < blocks(); ++block) {
    if (!(parts[block] > next_score_)) continue;
    next_score_ = parts[block];
    next_row_ = block * kBlock + where[block];
  }
}

// The same without a step.
template <class T>
void Simplex<T>::select_row() noexcept {
  for (T* vector : {alpha_, tau_}) std::memset(vector, 0, count_ * sizeof(T));
  update_rows({0, 0, 0, box_});
}

// The new basis. `side`: in which direction the sum of what enters moves.
template <class T>
void Simplex<T>::exchange(const Leaving& leaving, const Entering& entering, const RowUpdate& by, double side) noexcept {
  const double sign = leaving.sign;
  const double length = edge_length_ * by.per_pivot * by.per_pivot;
  const uint32_t row = static_cast<uint32_t>(leaving.index), column = static_cast<uint32_t>(entering.index);
  if (leaving.is_row) {
    for (size_t k = 0; k < basis_.size(); ++k) edge_[k] *= -sign;  // B^-T of the entering row
    residual_[row] = static_cast<T>(sign * aim());
  }
  size_t k = basis_.size(), l = k;  // their places
  if (entering.is_row) {
    k = entering.index;
    const uint32_t freed = basis_.row(k);
    residual_[freed] = static_cast<T>(end_[k] * aim() + by.step);
  }
  if (!leaving.is_row) l = leaving.index;
  if (leaving.is_row && !entering.is_row) {
    basis_.grow(table_, row, column, x_alpha_, edge_, 1 / by.per_pivot);
  } else if (leaving.is_row) {
    basis_.replace_row(table_, k, row, edge_);
  } else if (!entering.is_row) {
    basis_.replace_column(table_, l, column, x_alpha_);
  } else {
    basis_.shrink(table_, k, l);
    const size_t last = basis_.size();
    x_[l] = x_[last];
    sign_[l] = sign_[last];
    x_length_[l] = x_length_[last];
    y_[k] = y_[last];
    end_[k] = end_[last];
  }
  if (leaving.is_row) {
    y_[k] = entering.step * sign;
    end_[k] = sign;
  }
  if (!entering.is_row) {
    x_[l] = by.step;
    sign_[l] = cost(column) > 0 ? side : 0;  // a free coefficient never leaves
    x_length_[l] = length;
  }
}

}  // namespace harsanyi
