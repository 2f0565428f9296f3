#include "affine.hpp"

#include <algorithm>
#include <cmath>

#include "../lattice/bits.hpp"
#include "symmetric.hpp"

namespace harsanyi {
namespace {

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

}  // namespace

template <class T>
AffineBlock<T> AffineBlock<T>::place(int n, Arena& arena) noexcept {
  AffineBlock<T> block;
  const size_t side = 2 * static_cast<size_t>(n);
  block.table_ = (static_cast<size_t>(n) + 1) * kTableRow;
  block.tables_ = arena.take<T>(3 * block.table_);
  block.work_ = arena.take<Wide>(side * side + 4 * side + 2 * kPower);
  return block;
}

template <class T>
void AffineBlock<T>::build(int n) noexcept {
  const int side = 2 * n;
  Wide* const inverse = work_;
  Wide* const y = work_ + side * side;  // M^-1 of 1, then of [marked] - 1/2
  Wide* const image = y + 2 * side;     // Z^T of both
  invert_marked(n, inverse, image + 2 * side);
  const auto many = [](int m, int k) { return static_cast<Wide>(binomial(m, k)); };
  for (int column = 0; column < 2; ++column) {
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
  constant_ = static_cast<double>(image[0]);
  own_ = static_cast<double>(image[side + 1] - image[side] / 2);
  other_ = n > 1 ? static_cast<double>(image[side + 2] - image[side] / 2) : 0;
  T* to = tables_;
  for (int high = 0; high <= n; ++high) {
    for (size_t low = 0; low < kTableRow; ++low, ++to) {
      const int m = std::min(high + order(low), n);  // with the marked bit, if it is set
      const Wide without = m < n ? image[side + 2 * m] : 0, with = m > 0 ? image[side + 2 * m - 1] : 0;
      to[0] = static_cast<T>(m < n ? image[2 * m] : image[2 * m - 1]);
      to[table_] = static_cast<T>(without);
      to[2 * table_] = static_cast<T>(with - without);
    }
  }
}

template <class T>
void AffineBlock<T>::round(const AffineBlock<double>& from) noexcept {
  for (size_t i = 0; i < 3 * table_; ++i) tables_[i] = static_cast<T>(from.tables_[i]);
  constant_ = from.constant_;
  own_ = from.own_;
  other_ = from.other_;
}

// B^T M^-1 B / c^2 is constant_ for the constant and (own_ - other_) I + other_ 1 1^T for the singletons.
template <class T>
void AffineBlock<T>::solve(int n, double c, const double* p, double* s) const noexcept {
  const double square = c * c, own = 1 + square * (own_ - other_), each = square * other_;
  s[0] = (s[0] - c * p[0]) / (1 + square * constant_);
  double total = 0;
  for (int i = 1; i <= n; ++i) {
    s[i] -= c * p[i];
    total += s[i];
  }
  const double shared = each / (own + n * each) * total;
  for (int i = 1; i <= n; ++i) s[i] = (s[i] - shared) / own;
}

template class AffineBlock<float>;
template class AffineBlock<double>;

}  // namespace harsanyi
