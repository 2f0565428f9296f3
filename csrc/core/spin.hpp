// Exact inverse of kron(K1) + kron(K2) + ridge I, K1 = [[1,1],[1,2]], K2 = [[2,1],[1,1]]: spins coupled one
// bit at a time.
//
// The three terms share no 2x2 basis, but all commute with permutations of the bits, so in the basis of total spin they
// are block-diagonal with the same block for every path of a spin (Schur-Weyl). The bits are coupled one after the
// other, the highest first: a path of spin d has d + 1 rows, and with the next bit it becomes a path of spin d + 1 and
// one of spin d - 1, by Clebsch-Gordan rotations of row i where the bit is clear and row i - 1 where it is set:
//   (lo, hi) <- (c lo + s hi, s lo - c hi), c^2 = (d + 1 - i) / (d + 1).
// No row moves: a path is a list of row numbers. In the scale where row i of spin d counts 1 / sqrt(C(d, i)) this is
// an addition and one multiplication,
//   lo <- lo + hi, hi <- i / (d + 1) lo - hi,
// but for a factor sqrt((d + 1) / d) of the whole path of spin d - 1. The scales go into the blocks, the factors are
// the paths' own; on the way back come the transposed steps, lo <- lo + i / (d + 1) hi, hi <- (the new) lo - hi.
// Two or three levels make one pass over memory. The last bits are coupled with several paths of a spin in the lanes of
// a vector, block products between (cpu/spin.inl.hpp).
// Cost: 2 additions or multiplications an entry and level, and about 1.6 sqrt(n) for the blocks, which have n + 1 rows
// at most: an inverse for another ridge costs less than a step.
#pragma once

#include <cstdint>

#include "arena.hpp"
#include "kernels.hpp"

namespace harsanyi {

// The paths after each bit but the `dense` lowest, sorted by spin, the largest first.
class SpinPaths {
 public:
  static SpinPaths place(int n, int dense, Arena& arena) noexcept;
  void build() noexcept;

  int n() const noexcept { return n_; }
  int dense() const noexcept { return dense_; }
  int coupled() const noexcept { return coupled_; }
  int32_t paths(int level) const noexcept { return paths_[level]; }
  // Of a path: its rows, its d, and the square of its factors.
  const int32_t* rows(int level, int32_t path) const noexcept { return rows_of(level) + begin_of(level)[path]; }
  int spin(int level, int32_t path) const noexcept { return begin_of(level)[path + 1] - begin_of(level)[path] - 1; }
  const double* factors() const noexcept { return factors_; }  // of the last level
  // Of the block of a spin d of all n bits, (d + 1)**2 entries: where it begins among all blocks, itself without the
  // ridge, and how its inverse is scaled.
  size_t entry(int d) const noexcept { return entry_[d]; }
  const double* block(int d) const noexcept { return blocks_ + entry_[d]; }
  const double* scale(int d) const noexcept { return scales_ + entry_[d]; }
  const size_t* entries() const noexcept { return entry_; }

 private:
  static constexpr int kMostBits = 30;

  int32_t* rows_of(int level) const noexcept { return rows_ + (size_t{1} << level) - 1; }
  int32_t* begin_of(int level) const noexcept { return begin_ + (size_t{1} << level) - 1 + level; }

  int n_ = 0, dense_ = 0, coupled_ = 0;  // n = dense + coupled
  int32_t *rows_ = nullptr, *begin_ = nullptr;
  int32_t paths_[kMostBits + 1] = {};
  double *factors_ = nullptr, *blocks_ = nullptr, *scales_ = nullptr;
  size_t entry_[kMostBits + 1] = {};
};

// The block of a spin d whose paths still carry `dense` uncoupled bits, without the ridge: side (d + 1) 2**dense.
// work: 2 (d + 1)**2.
void spin_block(int d, int dense, double* block, double* work) noexcept;
// Adds `more` times the products of each singleton's column with itself, AND and OR, to the block of a spin d of n > 0
// bits. A column is half the constant plus or minus half of (-1)**bit, so the sum is n/2 times the constant's and half
// of those: they reach the largest spin and the next one alone.
void add_singletons(int n, int d, double more, double* block) noexcept;

// The inverse for one ridge.
template <class T>
class SpinSolver {
 public:
  static SpinSolver place(const SpinPaths& paths, Arena& arena) noexcept;
  // The same in the memory `bytes` further on.
  SpinSolver moved(size_t bytes) const noexcept;
  // singles: how many times the AND and OR columns of the singletons are there.
  void build(const SpinPaths& paths, const KernelTable& table, double ridge, double singles = 1) noexcept;
  // x <- (kron(K1) + kron(K2) + ridge I)^-1 x, on at most `threads` threads.
  void solve(const SpinPaths& paths, const KernelTable& table, T* x, int threads) const noexcept;

 private:
  // In f32 nearly all that a solution loses is lost by the blocks of large spins, whose condition grows like phi^2d:
  // from here on their products are in f64. They have few paths.
  static constexpr int wide_from(int n) noexcept { return sizeof(T) < sizeof(double) ? n / 2 + 2 : n + 1; }

  T* inverse_ = nullptr;    // blocks, scaled
  double* wide_ = nullptr;  // those of large spins in f64
  double* work_ = nullptr;  // to build with: two of the largest blocks
};

extern template class SpinSolver<float>;
extern template class SpinSolver<double>;

}  // namespace harsanyi
