// The affine block of the splitting: the constant and the singletons, which AND and OR share, once more and in a scale
// of their own. Its columns are B = c (1, [i in T] - 1/2), its coefficients n + 1 numbers s.
//
// Singletons are the largest coefficients of a trained network and have the furthest to go at a common threshold. The
// system M = A A^T becomes M + B B^T, and the projection of (x, s) stays exact at the cost of one more pass:
//   y = M^-1 (A x - v),  e = (I + B^T M^-1 B)^-1 (s - B^T y),  x <- x - A^T (y + M^-1 B e),  s <- e.
// M = kron(K1) + kron(K2) commutes with permutations of the players, and with complements. So B^T M^-1 B is three
// numbers, and an entry of A^T M^-1 B e is 1, the sum of e_i, and that over i in the set, each times a function of the
// order; for OR the last two change sign. B^T y is read off A^T y, at the empty set and at singletons.
#pragma once

#include "arena.hpp"
#include "harsanyi/harsanyi.h"
#include "kernels.hpp"

namespace harsanyi {

// What the block of n players needs, computed once a process and with more digits than are kept: the condition of M is
// that of 2.6^n, and what the numbers miss of the constraint costs up to 3^n times its size when a candidate is
// repaired.
struct AffineNumbers {
  static constexpr int kOrders = HARSANYI_MAX_DECOMPOSE_PLAYERS + 1;
  double constant, own, other;  // of B^T M^-1 B / c^2: of the constant, of one singleton, of two
  double by_constant[kOrders], by_total[kOrders], by_members[kOrders];  // of Z^T M^-1 B e, by order
};
const AffineNumbers& affine_numbers(int n) noexcept;  // n >= 1

// The numbers by order as tables.
template <class T>
class AffineBlock {
 public:
  static AffineBlock place(int n, Arena& arena) noexcept;
  void build(int n) noexcept;

  // s <- e, for p = B^T y / c; n + 1 entries each, the constant first.
  void solve(int n, double c, const double* p, double* s) const noexcept;
  AffineTables<T> tables() const noexcept { return {tables_, tables_ + table_, tables_ + 2 * table_}; }

 private:
  T* tables_ = nullptr;
  size_t table_ = 0;  // entries of one
  const AffineNumbers* numbers_ = nullptr;
};

extern template class AffineBlock<float>;
extern template class AffineBlock<double>;

}  // namespace harsanyi
