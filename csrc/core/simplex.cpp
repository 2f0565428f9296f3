#include "simplex.hpp"

#include <algorithm>
#include <cstring>

#include "../lattice/bits.hpp"
#include "simplex_begin.inl.hpp"
#include "simplex_images.inl.hpp"
#include "simplex_pivot.inl.hpp"
#include "simplex_primal.inl.hpp"

namespace harsanyi {
namespace {

// It gives up if after so many pivots more than this share of them added a term: then the optimum has too many.
constexpr int64_t kTrial = 64;
constexpr double kGrows = 0.875;
// And where it added more terms than these: optima of more are further away than the pivots worth making.
int64_t most_added(int n) { return std::max(48, 4 * n); }
// Perturbation and margin as shares of the gap asked for, at most the second number.
constexpr double kPerturbation[2] = {1e-3, 1e-6}, kMargin[2] = {1e-3, 1e-7};
// In f32 they are more than rounding, at gaps of kLeastPivotGap and more, and sums are as good as equal within the
// third number.
constexpr double kPerturbationF32 = 1e-5, kMarginF32 = 3e-5, kToleranceF32 = 5e-7;

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

template <class T>
Simplex<T>::Simplex(const KernelTable& table, const DecomposePlan<double>& plan, const DecomposeSample& sample,
                    const DecomposeScratch<double>& scratch, double gap, Interrupt& interrupt) noexcept
    : table_(table),
      passes_(table.passes<T>()),
      plan_(plan),
      sample_(sample),
      scratch_(scratch),
      interrupt_(interrupt),
      count_(size_t{1} << plan.n),
      basis_(scratch.basis),
      gap_(gap) {
  double* at = scratch.memory;
  T* vectors = reinterpret_cast<T*>(at);
  for (T** vector : {&sums_[0], &sums_[1], &residual_, &length_, &move_[0], &move_[1], &alpha_, &tau_}) {
    *vector = vectors;
    vectors += count_;
  }
  // Those of f32 leave half of the memory. Those of f64 are what they lead to.
  found_[0] = at + 4 * count_;
  found_[1] = found_[0] + count_;
  noise_ = at + (kIsF32<T> ? 6 : 2) * count_;
  multipliers_ = at;
  at = scratch.terms;
  for (double** vector : {&x_, &sign_, &x_length_, &y_, &end_, &edge_, &x_alpha_, &x_tau_, &spare_}) {
    *vector = at;
    at += basis_.most();
  }
  weight_ = at;
  const double perturbation = kIsF32<T> ? kPerturbationF32 : std::min(kPerturbation[0] * gap, kPerturbation[1]);
  for (size_t high = 0; high <= static_cast<size_t>(plan.n); ++high) {
    for (size_t low = 0; low < kTableRow; ++low) {
      const size_t i = high * kTableRow + low, players = high + static_cast<size_t>(order(low));
      weight_[i] = plan.weight[i] * (1 + perturbation * static_cast<double>(players));
    }
  }
  fill_hash(0, perturbation, low_);
  fill_hash(kTableRow, 1, spread_);
  box_ = sample.zeta[0];
  margin_ = box_ * (kIsF32<T> ? kMarginF32 : std::min(kMargin[0] * gap, kMargin[1]));
  const size_t table_size = (static_cast<size_t>(plan.n) + 1) * kTableRow;
  price_ = reinterpret_cast<T*>(weight_ + table_size);
  std::copy(weight_, weight_ + table_size, price_);
  std::copy(low_, low_ + kTableRow, low_price_);
  room_ = price_ + table_size;
  std::fill(room_, room_ + table_size, static_cast<T>(aim()));
  at = weight_ + 3 * table_size;
  for (Groups& groups : groups_) {
    const size_t most = basis_.most() + 1;
    groups.value = at;
    groups.set = reinterpret_cast<uint32_t*>(at + most);
    groups.begin = groups.set + most;
    at += group_numbers(plan.n);
  }
  dual_tolerance_ = kIsF32<T> ? kToleranceF32 : std::min(perturbation, 1e-9);
}

// The coefficients as two vectors.
template <class T>
void Simplex<T>::scatter() const noexcept {
  for (double* vector : found_) std::memset(vector, 0, count_ * sizeof(double));
  for (size_t l = 0; l < basis_.size(); ++l) *part(found_, basis_.column(l)) = x_[l];
}

template <class T>
double Simplex<T>::cost(uint32_t column) const noexcept {
  const size_t set = column & ~Basis::kOr, row = set / kTableRow, salt = column >= Basis::kOr ? 1 : 0;
  return weight_[table_place(set)] * (1 + low_[set % kTableRow] * spread_[(row * kSpread + salt) % kTableRow]);
}

template <class T>
bool Simplex<T>::run(int64_t most_pivots, bool warm) noexcept {
  if (!warm) {
    begin();
  } else if (!begin_warm()) {
    return false;
  }
  return finish(most_pivots, true);
}

template <class T>
bool Simplex<T>::go_on(const Basis& basis, int64_t pivots, int64_t most_pivots) noexcept {
  basis_ = basis;
  pivots_ = pivots;
  solve_multipliers();
  solve_coefficients();
  std::fill(length_, length_ + count_, T{1});
  recompute();
  if (choose_leaving().score > 0) measure_edges();
  return finish(most_pivots, false);
}

template <class T>
bool Simplex<T>::cross_over(const Point& point, int64_t most_pivots) noexcept {
  return begin_at(point) && finish(most_pivots, false);
}

// Whether too many of the pivots added a term to those known before.
template <class T>
bool Simplex<T>::has_many_terms(size_t known) const noexcept {
  const int64_t added = static_cast<int64_t>(basis_.size()) - static_cast<int64_t>(known);
  const bool grows = static_cast<double>(added) > kGrows * static_cast<double>(pivots_);
  return (pivots_ >= kTrial && grows) || added > most_added(plan_.n);
}

// Pivots to the optimum; with `tries` as long as it looks like one of few terms.
template <class T>
bool Simplex<T>::finish(int64_t most_pivots, bool tries) noexcept {
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
    solve_coefficients();
    recompute();
  }
  return false;
}

// Everything anew from the lists of rows and columns; false if that does not help.
template <class T>
bool Simplex<T>::refresh() noexcept {
  if (shifted_ || pivots_ - refreshed_at_ <= 1 || !basis_.invert()) return false;
  refreshed_at_ = pivots_;
  solve_basis();
  return true;
}

// Values, multipliers, sums and residuals of the basis.
template <class T>
void Simplex<T>::solve_basis() noexcept {
  solve_multipliers();
  for (size_t k = 0; k < basis_.size(); ++k) {
    if (y_[k] != 0) end_[k] = y_[k] > 0 ? 1 : -1;
  }
  solve_coefficients();
  recompute();
}

// Refined once, since the inverse is that of many pivots.
template <class T>
void Simplex<T>::solve_coefficients() noexcept {
  const size_t size = basis_.size();
  std::fill(x_, x_ + size, 0.0);
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t k = 0; k < size; ++k) spare_[k] = aimed(k) - image_at(x_, 1, {}, basis_.row(k));
    basis_.solve(table_, spare_, x_alpha_);
    for (size_t l = 0; l < size; ++l) x_[l] += x_alpha_[l];
  }
}

template <class T>
void Simplex<T>::solve_multipliers() noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) spare_[l] = sign_[l] * cost(basis_.column(l));
  basis_.solve_transposed(table_, spare_, y_);
}

// Sums and residuals anew from the terms and multipliers.
template <class T>
void Simplex<T>::recompute() noexcept {
  if (!shifted_) adjoint(y_, {}, sums_);
  residuals_anew();
  select_row();
  fresh_ = true;
}

template <class T>
void Simplex<T>::residuals_anew() noexcept {
  image(x_, 1, {}, noise_);
  each([&](size_t i, size_t m, size_t) {
    for (size_t j = i; j < i + m; ++j) {
      noise_[j] = sample_.v[j] - sample_.v[0] - noise_[j];
      residual_[j] = static_cast<T>(noise_[j]);
    }
  });
}

template <class T>
double* Simplex<T>::multipliers(bool raised) noexcept {
  for (size_t l = 0; l < basis_.size(); ++l) {
    const uint32_t column = basis_.column(l);
    spare_[l] = sign_[l] * (raised ? cost(column) : plan_.weight[table_place(column & ~Basis::kOr)]);
  }
  basis_.solve_transposed(table_, spare_, y_);
  std::memset(multipliers_, 0, count_ * sizeof(double));
  for (size_t k = 0; k < basis_.size(); ++k) multipliers_[basis_.row(k)] = y_[k];
  return multipliers_;
}

template class Simplex<float>;
template class Simplex<double>;

}  // namespace harsanyi
