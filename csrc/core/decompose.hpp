// Sparse AND-OR decomposition of one lattice vector: the weighted l1 problem, solved by splitting, with a certificate.
//
// Minimise sum over S != {} of w[S] (|and[S]| + |or[S]|) subject to Z a + Q o + delta = v - v[0], where Z is zeta,
// Q = kron [[1,1],[1,0]], a = and, o = -or and |delta| <= zeta. An over-relaxed Douglas-Rachford (ADMM) step thresholds
// the coefficients, clips delta, and projects onto the constraint exactly:
//   - without noise, K1 = Z Z^T and K2 = Q Q^T (per bit) have a common basis, K1 = Y Y^T and K2 = Y D Y^T with D the
//     golden ratio to the powers -2 and 2. There Z and Q become orthogonal, so the projection is four transforms by
//     rotations and a diagonal: unconditionally stable;
//   - with noise the system is kron(K1) + kron(K2) + I: solved by spin.hpp.
// Every check_every steps two exact candidates are made from the thresholded vectors (one kind kept, the other by its
// inverse transform), and the multipliers y give the lower bound (v.y - zeta |y|_1) / max(|Z^T y|, |Q^T y|) / w, y less
// its mean: valid for any y. The best of each is kept. Order of operations fixed: the same bits on any number
// of threads.
#pragma once

#include <cstdint>

#include "arena.hpp"
#include "harsanyi/harsanyi.h"
#include "kernels.hpp"
#include "spin.hpp"

namespace harsanyi {

// What all samples of a batch share.
struct DecomposePlan {
  static DecomposePlan place(int n, bool noise, Arena& arena) noexcept;
  void build(const harsanyi_decompose_options& options) noexcept;

  int n = 0;
  bool noise = false, excluded = false;
  int free_above = 0;        // orders above have weight 0
  double* weight = nullptr;  // by subset; 0 for the empty set
  double* ratio = nullptr;   // without noise: D^(1/2) by subset
  SpinSolver spin;           // with noise
};

// Scratch memory of one sample, and the threads that work on it.
struct DecomposeScratch {
  static DecomposeScratch place(const KernelTable& table, int n, bool noise, int threads, Arena& arena) noexcept;

  int threads = 1;
  double* vector[8] = {};
  char* tiles = nullptr;
};

// delta may be null without noise.
struct DecomposeSample {
  const double* v;
  double zeta;
  double *and_, *or_, *delta, *dual;
};

harsanyi_decompose_report decompose_sample(const KernelTable& table, const DecomposePlan& plan,
                                           const harsanyi_decompose_options& options, const DecomposeSample& sample,
                                           const DecomposeScratch& scratch) noexcept;

}  // namespace harsanyi
