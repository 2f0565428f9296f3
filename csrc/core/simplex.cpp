#include "simplex.hpp"

#include <algorithm>
#include <cstring>

#include "../lattice/bits.hpp"

namespace harsanyi {
namespace {

// It gives up if after so many pivots more than this share of them added a term: then the optimum has too many.
constexpr int64_t kTrial = 64;
constexpr double kGrows = 0.875;
// And where it added more terms than these: optima of more are further away than the pivots worth making.
int64_t most_added(int n) { return std::max(48, 4 * n); }
// Perturbation and margin as shares of the gap asked for, at most the second number.
constexpr double kPerturbation[2] = {1e-3, 1e-6}, kMargin[2] = {1e-3, 1e-7};

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
      basis_(scratch.basis),
      gap_(gap) {
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
  room_ = weight_ + (static_cast<size_t>(plan.n) + 1) * kTableRow;
  std::fill(room_, room_ + (static_cast<size_t>(plan.n) + 1) * kTableRow, aim());
  at = room_ + (static_cast<size_t>(plan.n) + 1) * kTableRow;
  for (Groups& groups : groups_) {
    const size_t most = basis_.most() + 1;
    groups.value = at;
    groups.set = reinterpret_cast<uint32_t*>(at + most);
    groups.begin = groups.set + most;
    at += group_numbers(plan.n);
  }
  dual_tolerance_ = std::min(perturbation, 1e-9);
}

// The coefficients as two vectors.
void Simplex::scatter() const noexcept {
  for (double* vector : move_) std::memset(vector, 0, count_ * sizeof(double));
  for (size_t l = 0; l < basis_.size(); ++l) *part(move_, basis_.column(l)) = x_[l];
}

double Simplex::cost(uint32_t column) const noexcept {
  const size_t set = column & ~Basis::kOr, row = set / kTableRow, salt = column >= Basis::kOr ? 1 : 0;
  return weight_[table_place(set)] * (1 + low_[set % kTableRow] * spread_[(row * kSpread + salt) % kTableRow]);
}

bool Simplex::run(int64_t most_pivots, bool warm) noexcept {
  if (!warm) {
    begin();
  } else if (!begin_warm()) {
    return false;
  }
  return finish(most_pivots, true);
}

bool Simplex::cross_over(const Point& point, int64_t most_pivots) noexcept {
  return begin_at(point) && finish(most_pivots, false);
}

// Whether too many of the pivots added a term to those known before.
bool Simplex::has_many_terms(size_t known) const noexcept {
  const int64_t added = static_cast<int64_t>(basis_.size()) - static_cast<int64_t>(known);
  const bool grows = static_cast<double>(added) > kGrows * static_cast<double>(pivots_);
  return (pivots_ >= kTrial && grows) || added > most_added(plan_.n);
}

// Pivots to the optimum; with `tries` as long as it looks like one of few terms.
bool Simplex::finish(int64_t most_pivots, bool tries) noexcept {
  const size_t known = basis_.size();
  while (pivots_ < most_pivots) {
    if (interrupt_.stopped()) return false;
    const Pivot made = pivot();
    if (made == Pivot::failed) return false;
    if (made == Pivot::made) {
      ++pivots_;
      if (tries && has_many_terms(known)) return false;
      continue;
    }
    if (fresh_) {
      scatter();
      return true;
    }
    recompute();
  }
  return false;
}

// Everything anew from the lists of rows and columns; false if that does not help.
bool Simplex::refresh() noexcept {
  if (shifted_ || pivots_ - refreshed_at_ <= 1 || !basis_.invert()) return false;
  refreshed_at_ = pivots_;
  solve_basis();
  return true;
}

// Values, multipliers, sums and residuals of the basis.
void Simplex::solve_basis() noexcept {
  solve_multipliers();
  for (size_t k = 0; k < basis_.size(); ++k) {
    if (y_[k] != 0) end_[k] = y_[k] > 0 ? 1 : -1;
    spare_[k] = aimed(k);
  }
  basis_.solve(table_, spare_, x_);
  recompute();
}

void Simplex::solve_multipliers() noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) spare_[l] = sign_[l] * cost(basis_.column(l));
  basis_.solve_transposed(table_, spare_, y_);
}

// Sums and residuals anew from the terms and multipliers.
void Simplex::recompute() noexcept {
  if (!shifted_) adjoint(y_, {}, sums_);
  image(x_, 1, {}, alpha_);
  each([&](size_t i, size_t m, size_t) {
    for (size_t j = i; j < i + m; ++j) residual_[j] = sample_.v[j] - sample_.v[0] - alpha_[j];
  });
  select_row();
  fresh_ = true;
}

double* Simplex::multipliers(bool raised) noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) {
    const uint32_t column = basis_.column(l);
    spare_[l] = sign_[l] * (raised ? cost(column) : plan_.weight[table_place(column & ~Basis::kOr)]);
  }
  basis_.solve_transposed(table_, spare_, y_);
  std::memset(sums_[0], 0, count_ * sizeof(double));
  for (size_t k = 0; k < basis_.size(); ++k) sums_[0][basis_.row(k)] = y_[k];
  return sums_[0];
}

}  // namespace harsanyi
