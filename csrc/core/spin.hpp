// Exact inverse of kron(K1) + kron(K2) + ridge I, K1 = [[1,1],[1,2]], K2 = [[2,1],[1,1]]: spins coupled one
// bit at a time.
//
// The three terms share no 2x2 basis, but all commute with permutations of the bits, so in the basis of total spin they
// are block-diagonal with the same block for every path of a spin (Schur-Weyl). The high bits are coupled one after the
// other: a path of d + 1 rows and the next bit give paths of d + 2 and of d rows, by 2x2 Clebsch-Gordan rotations
// [[c, s], [s, -c]] with c^2 = (d + 1 - i) / (d + 1), each its own inverse. No row moves: a path is a list of
// row numbers.
// The lowest three bits stay uncoupled; each path carries one dense symmetric block of side 8 (d + 1).
// Cost: 2 (n - 3) rotation passes and about 8 sqrt(n) multiply-adds an entry. Orthogonal up to rounding.
#pragma once

#include <cstdint>

#include "arena.hpp"
#include "kernels.hpp"

namespace harsanyi {

// The paths, and the blocks of kron(K1) + kron(K2): what all samples share.
class SpinPaths {
 public:
  static SpinPaths place(int n, Arena& arena) noexcept;
  void build() noexcept;

  int dense() const noexcept { return dense_; }
  int coupled() const noexcept { return coupled_; }
  int32_t paths() const noexcept { return paths_; }
  const SpinPair* pairs() const noexcept { return pairs_; }
  int32_t level_begin(int level) const noexcept { return level_begin_[level]; }
  const int32_t* rows(int32_t path) const noexcept { return rows_ + path_begin_[path]; }
  int spin(int32_t path) const noexcept { return path_begin_[path + 1] - path_begin_[path] - 1; }  // its d
  const double* block(int d) const noexcept { return blocks_ + entry_[d]; }

 private:
  template <class T>
  friend class SpinSolver;
  static constexpr int kMaxCoupled = 27;

  void sort_paths() noexcept;
  size_t side(int d) const noexcept { return (static_cast<size_t>(d) + 1) << dense_; }

  int n_ = 0, dense_ = 0, coupled_ = 0;  // n = dense + coupled
  SpinPair* pairs_ = nullptr;            // of all levels, in order
  int32_t* level_begin_ = nullptr;       // coupled + 1
  int32_t* rows_ = nullptr;              // of all paths
  int32_t* path_begin_ = nullptr;        // paths + 1
  int32_t paths_ = 0;
  size_t entry_[kMaxCoupled + 1] = {};  // where the block of d begins among all blocks
  size_t entries_ = 0, largest_ = 0;    // of all blocks; the side of the largest
  double* blocks_ = nullptr;
};

// The inverse for one ridge.
template <class T>
class SpinSolver {
 public:
  static SpinSolver place(const SpinPaths& paths, Arena& arena) noexcept;
  // The same in the memory `bytes` further on.
  SpinSolver moved(size_t bytes) const noexcept;
  void build(const SpinPaths& paths, const KernelTable& table, double ridge) noexcept;
  // out <- (kron(K1) + kron(K2) + ridge I)^-1 x, on at most `threads` threads; x is used up.
  void solve(const SpinPaths& paths, const KernelTable& table, T* x, T* out, int threads) const noexcept;

 private:
  void couple(const SpinPaths& paths, const KernelTable& table, int level, T* x, int threads) const noexcept;

  T* inverse_ = nullptr;    // blocks by d, symmetric
  double* work_ = nullptr;  // to build with: two of the largest blocks
};

extern template class SpinSolver<float>;
extern template class SpinSolver<double>;

}  // namespace harsanyi
