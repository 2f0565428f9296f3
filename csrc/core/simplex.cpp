#include "simplex.hpp"

#include <algorithm>
#include <cstring>

#include "../lattice/bits.hpp"

namespace harsanyi {
namespace {

// It gives up if after so many pivots more than this share of them added a term: then the optimum has too many.
constexpr int64_t kTrial = 64;
constexpr double kGrows = 0.875;
// Perturbation and margin as shares of the gap asked for, at most the second number.
constexpr double kPerturbation[2] = {1e-3, 1e-6}, kMargin[2] = {1e-3, 1e-7};

// Of a set in a table by order.
size_t place(size_t set) { return static_cast<size_t>(order(set / kTableRow)) * kTableRow + set % kTableRow; }

// Numbers between 1/2 and 1 without a pattern.
void fill_hash(uint64_t seed, double factor, double* out) {
  for (size_t i = 0; i < kTableRow; ++i) {
    uint64_t z = (seed + i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    out[i] = factor * (0.5 + static_cast<double>((z ^ (z >> 31)) >> 12) * 0x1p-53);
  }
}

}  // namespace

Simplex::Simplex(const KernelTable& table, const DecomposePlan<double>& plan, const DecomposeSample& sample,
                 const DecomposeScratch<double>& scratch, double gap, Interrupt& interrupt) noexcept
    : table_(table),
      plan_(plan),
      sample_(sample),
      scratch_(scratch),
      interrupt_(interrupt),
      count_(size_t{1} << plan.n),
      cut_(table.cut_transform(Dtype::f64, plan.n)),
      basis_(scratch.basis) {
  double* at = scratch.memory;
  for (double** vector : {&sums_[0], &sums_[1], &move_[0], &move_[1], &residual_, &length_, &alpha_, &tau_}) {
    *vector = at;
    at += count_;
  }
  at = scratch.terms;
  for (double** vector : {&x_, &sign_, &x_length_, &y_, &end_, &edge_, &x_alpha_, &x_tau_, &spare_}) {
    *vector = at;
    at += basis_.most();
  }
  weight_ = at;
  const double perturbation = std::min(kPerturbation[0] * gap, kPerturbation[1]);
  for (size_t high = 0; high <= static_cast<size_t>(plan.n); ++high) {
    for (size_t low = 0; low < kTableRow; ++low) {
      const size_t i = high * kTableRow + low, players = high + static_cast<size_t>(order(low));
      weight_[i] = plan.weight[i] * (1 + perturbation * static_cast<double>(players));
    }
  }
  fill_hash(0, perturbation, low_);
  fill_hash(kTableRow, 1, spread_);
  box_ = sample.zeta[0];
  margin_ = box_ * std::min(kMargin[0] * gap, kMargin[1]);
  dual_tolerance_ = std::min(perturbation, 1e-9);
}

void Simplex::transform(Kind kind, double* x) const noexcept {
  run_transform(table_, cut_, {kind, Dtype::f64, plan_.n, x, x, {}}, 1, scratch_.tiles, scratch_.threads);
}

// From a vector in both places to its sums over the sets of both kinds; those that are not in the basis for good
// (the singletons of OR, which those of AND span, and the empty set once more) are 0.
void Simplex::adjoint(double* const (&y)[2]) const noexcept {
  transform(Kind::superset_zeta, y[0]);
  if (plan_.and_only) return;
  transform(Kind::or_inverse, y[1]);
  y[1][0] = 0;
  for (size_t i = 1; i < count_; i <<= 1) y[1][i] = 0;
}

// The two parts of A x = a - o.
void Simplex::synthesise(double* a, double* o) const noexcept {
  transform(Kind::zeta, a);
  if (!plan_.and_only) transform(Kind::or_inverse, o);
}

void Simplex::scatter(const double* by_column, double factor, double* const (&to)[2]) const noexcept {
  for (double* vector : to) std::memset(vector, 0, count_ * sizeof(double));
  for (size_t l = 0; l < basis_.size(); ++l) *part(to, basis_.column(l)) = factor * by_column[l];
}

double Simplex::cost(uint32_t column) const noexcept {
  const size_t set = column & ~Basis::kOr, row = set / kTableRow, salt = column >= Basis::kOr ? 1 : 0;
  return weight_[place(set)] * (1 + low_[set % kTableRow] * spread_[(row * kSpread + salt) % kTableRow]);
}

// No terms, no multipliers.
void Simplex::begin() noexcept {
  basis_.clear();
  for (double* sums : sums_) std::memset(sums, 0, count_ * sizeof(double));
  for (size_t i = 0; i < count_; ++i) residual_[i] = sample_.v[i] - sample_.v[0];
  std::fill(length_, length_ + count_, 1.0);
  select_row();
}

// The terms of the sample's result, and as many of the subsets where its noise is at its box, those with multipliers
// first; a basis of no size if they make none, false if there are too many terms.
bool Simplex::read_terms() noexcept {
  double most_dual = 0, most_delta = 0;
  for (size_t i = 0; i < count_; ++i) {
    most_dual = std::max(most_dual, std::fabs(sample_.dual[i]));
    most_delta = std::max(most_delta, std::fabs(sample_.delta[i]));
  }
  basis_.clear();
  basis_.append_column(0);
  sign_[0] = 0;
  for (size_t i = 1; i < count_; ++i) {
    const bool single = order(i) == 1;
    const double values[2] = {sample_.and_[i] + (single ? sample_.or_[i] : 0), single ? 0 : -sample_.or_[i]};
    for (uint32_t kind = 0; kind < 2; ++kind) {
      if (values[kind] == 0) continue;
      if (basis_.size() == basis_.most()) return false;
      const uint32_t column = static_cast<uint32_t>(i) | (kind == 0 ? 0 : Basis::kOr);
      sign_[basis_.size()] = cost(column) > 0 ? (values[kind] > 0 ? 1 : -1) : 0;
      basis_.append_column(column);
    }
  }
  uint32_t* const rows = reinterpret_cast<uint32_t*>(alpha_);
  size_t found = 0, wanted = 0;
  for (const bool pulls : {true, false}) {
    for (size_t i = 0; i < count_ && found < basis_.most(); ++i) {
      if (std::fabs(sample_.delta[i]) < (1 - 1e-6) * most_delta) continue;
      if ((std::fabs(sample_.dual[i]) > 1e-9 * most_dual) != pulls) continue;
      end_[found] = sample_.delta[i] > 0 ? 1 : -1;
      rows[found++] = static_cast<uint32_t>(i);
    }
    if (pulls) wanted = found;
  }
  if (!basis_.choose_rows(rows, end_, found, wanted)) basis_.clear();
  return true;
}

// A basis of another game is dual feasible for this one too, if the weights are the same. False if the result is not
// one of few terms.
bool Simplex::begin_warm() noexcept {
  if (!read_terms()) return false;
  bool feasible = basis_.size() > 0 && basis_.invert();
  if (feasible) {
    std::fill(length_, length_ + count_, 1.0);
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

// Squared edge lengths from their definition; a pair of transforms for each row of the basis.
void Simplex::measure_edges() noexcept {
  const size_t size = basis_.size();
  for (size_t l = 0; l < size; ++l) {
    const double* const row = basis_.inverse_row(l);
    x_length_[l] = 0;
    for (size_t k = 0; k < size; ++k) x_length_[l] += row[k] * row[k];
  }
  std::fill(length_, length_ + count_, 1.0);
  double* const to[2] = {alpha_, tau_};
  for (size_t k = 0; k < size; ++k) {
    basis_.inverse_column(k, x_alpha_);
    scatter(x_alpha_, 1, to);
    synthesise(alpha_, tau_);
    for (size_t i = 0; i < count_; ++i) length_[i] += (alpha_[i] - tau_[i]) * (alpha_[i] - tau_[i]);
  }
  for (size_t k = 0; k < size; ++k) length_[basis_.row(k)] = INFINITY;
  select_row();
}

bool Simplex::run(int64_t most_pivots, bool warm) noexcept {
  if (!warm) {
    begin();
  } else if (!begin_warm()) {
    return false;
  }
  const size_t known = basis_.size();
  while (pivots_ < most_pivots) {
    if (interrupt_.stopped()) return false;
    const Pivot made = pivot();
    if (made == Pivot::failed) return false;
    if (made == Pivot::made) {
      ++pivots_;
      if (pivots_ >= kTrial &&
          static_cast<double>(basis_.size()) > static_cast<double>(known) + kGrows * static_cast<double>(pivots_)) {
        return false;
      }
      continue;
    }
    if (fresh_) {
      scatter(x_, 1, move_);
      return true;
    }
    recompute();
  }
  return false;
}

// Everything anew from the lists of rows and columns; false if that does not help.
bool Simplex::refresh() noexcept {
  if (pivots_ - refreshed_at_ <= 1 || !basis_.invert()) return false;
  refreshed_at_ = pivots_;
  solve_basis();
  return true;
}

// Values, multipliers, sums and residuals of the basis.
void Simplex::solve_basis() noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) spare_[l] = sign_[l] * cost(basis_.column(l));
  basis_.solve_transposed(table_, spare_, y_);
  for (size_t k = 0; k < basis_.size(); ++k) {
    if (y_[k] != 0) end_[k] = y_[k] > 0 ? 1 : -1;
    const uint32_t row = basis_.row(k);
    spare_[k] = sample_.v[row] - sample_.v[0] - end_[k] * aim();
  }
  basis_.solve(table_, spare_, x_);
  recompute();
}

// Sums and residuals anew from the terms and multipliers.
void Simplex::recompute() noexcept {
  for (int kind = 0; kind < kinds(); ++kind) {
    std::memset(sums_[kind], 0, count_ * sizeof(double));
    for (size_t k = 0; k < basis_.size(); ++k) sums_[kind][basis_.row(k)] = kind == 0 ? y_[k] : -y_[k];
  }
  adjoint(sums_);
  scatter(x_, 1, move_);
  synthesise(move_[0], move_[1]);
  each([&](size_t i, size_t m, size_t) {
    for (size_t j = i; j < i + m; ++j) residual_[j] = sample_.v[j] - sample_.v[0] - (move_[0][j] - move_[1][j]);
  });
  select_row();
  fresh_ = true;
}

double* Simplex::multipliers(bool raised) noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) {
    const uint32_t column = basis_.column(l);
    spare_[l] = sign_[l] * (raised ? cost(column) : plan_.weight[place(column & ~Basis::kOr)]);
  }
  basis_.solve_transposed(table_, spare_, y_);
  std::memset(sums_[0], 0, count_ * sizeof(double));
  for (size_t k = 0; k < basis_.size(); ++k) sums_[0][basis_.row(k)] = y_[k];
  return sums_[0];
}

}  // namespace harsanyi
