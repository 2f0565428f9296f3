#include "affine.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "../lattice/bits.hpp"
#include "symmetric.hpp"
#include "tables.hpp"

namespace harsanyi {
namespace {

using Wide = long double;

constexpr size_t kPower = static_cast<size_t>(kMostSymmetric) * kMostSymmetric;

// Entry (m, marked) of a function of the number m of set bits and of one marked bit among n, here at [2 m + marked],
// m not counting it. block <- the inverse of M on such functions, in the basis with norms 1; work: 2 kPower, which
// is more than side^2.
void invert_marked(int n, Wide* block, Wide* work) {
  const int d = n - 1, side = 2 * n;
  Wide* const first = work;
  Wide* const second = work + kPower;
  symmetric_power(kFirst, d, first);
  symmetric_power(kSecond, d, second);
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      const int at = (i >> 1) * (d + 1) + (j >> 1), bits = 2 * (i & 1) + (j & 1);
      block[i * side + j] = first[at] * kFirst[bits] + second[at] * kSecond[bits];
    }
  }
  kernels_baseline.invert_wide(block, side, work);  // no tier has registers for it
}

void fill(int n, AffineNumbers& out) {
  constexpr int most = 2 * HARSANYI_MAX_DECOMPOSE_PLAYERS;
  const int side = 2 * n;
  Wide inverse[most * most], work[2 * kPower], y[2 * most], image[2 * most];
  invert_marked(n, inverse, work);
  const auto many = [](int m, int k) { return static_cast<Wide>(binomial(m, k)); };
  for (int column = 0; column < 2; ++column) {  // y: M^-1 of 1, then of [marked] - 1/2; image: Z^T of both
    Wide* const to = y + column * side;
    for (int i = 0; i < side; ++i) {
      Wide value = 0;
      for (int j = 0; j < side; ++j) {
        value += inverse[i * side + j] * std::sqrt(many(n - 1, j >> 1)) * (column == 0 ? Wide(1) : (j & 1) - Wide(0.5));
      }
      to[i] = value / std::sqrt(many(n - 1, i >> 1));
    }
    for (int i = 0; i < side; ++i) {  // sums over supersets
      Wide value = 0;
      for (int m = i >> 1; m < n; ++m) {
        value += many(n - 1 - (i >> 1), m - (i >> 1)) * (to[2 * m + 1] + ((i & 1) == 0 ? to[2 * m] : 0));
      }
      image[column * side + i] = value;
    }
  }
  out.constant = static_cast<double>(image[0]);
  out.own = static_cast<double>(image[side + 1] - image[side] / 2);
  out.other = n > 1 ? static_cast<double>(image[side + 2] - image[side] / 2) : 0;
  for (int m = 0; m <= n; ++m) {  // with the marked bit, if it is set
    const Wide without = m < n ? image[side + 2 * m] : 0, with = m > 0 ? image[side + 2 * m - 1] : 0;
    out.by_constant[m] = static_cast<double>(m < n ? image[2 * m] : image[2 * m - 1]);
    out.by_total[m] = static_cast<double>(without);
    out.by_members[m] = static_cast<double>(with - without);
  }
}

}  // namespace

const AffineNumbers& affine_numbers(int n) noexcept {
  static AffineNumbers numbers[AffineNumbers::kOrders];
  static std::once_flag filled[AffineNumbers::kOrders];
  std::call_once(filled[n], [n] { fill(n, numbers[n]); });
  return numbers[n];
}

template <class T>
AffineBlock<T> AffineBlock<T>::place(int n, Arena& arena) noexcept {
  AffineBlock<T> block;
  block.table_ = (static_cast<size_t>(n) + 1) * kTableRow;
  block.tables_ = arena.take<T>(3 * block.table_);
  return block;
}

template <class T>
void AffineBlock<T>::build(int n) noexcept {
  numbers_ = &affine_numbers(n);
  const AffineNumbers& numbers = *numbers_;
  fill_table(n, tables_, [&](int m) { return numbers.by_constant[m]; });
  fill_table(n, tables_ + table_, [&](int m) { return numbers.by_total[m]; });
  fill_table(n, tables_ + 2 * table_, [&](int m) { return numbers.by_members[m]; });
}

// B^T M^-1 B / c^2 is the first number for the constant and (own - other) I + other 1 1^T for the singletons.
template <class T>
void AffineBlock<T>::solve(int n, double c, const double* p, double* s) const noexcept {
  const AffineNumbers& numbers = *numbers_;
  const double square = c * c, own = 1 + square * (numbers.own - numbers.other), each = square * numbers.other;
  s[0] = (s[0] - c * p[0]) / (1 + square * numbers.constant);
  double total = 0;
  for (int i = 1; i <= n; ++i) {
    s[i] -= c * p[i];
    total += s[i];
  }
  const double shared = each / (own + n * each) * total, inverse = 1 / own;
  for (int i = 1; i <= n; ++i) s[i] = (s[i] - shared) * inverse;
}

template class AffineBlock<float>;
template class AffineBlock<double>;

}  // namespace harsanyi
