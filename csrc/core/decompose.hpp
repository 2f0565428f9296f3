// Sparse AND-OR decomposition of one lattice vector: the weighted l1 problem, solved by splitting, with a certificate.
//
// Minimise sum over S != {} of w[S] (|and[S]| + |or[S]|) subject to Z a + Q o + delta = v - v[0], where Z is zeta,
// Q = kron [[1,1],[1,0]], a = and, o = -or and |delta| <= zeta. A step reflects the coefficients at their soft
// threshold (delta at its box), reflects that at the constraint, and averages with the point where the last restart
// began (Halpern's iteration on the Peaceman-Rachford operator). The projection onto the constraint is exact:
//   - without noise, K1 = Z Z^T and K2 = Q Q^T (per bit) have a common basis, K1 = Y Y^T and K2 = Y D Y^T with D the
//     golden ratio to the powers -2 and 2. There Z and Q become orthogonal, so the projection is four transforms by
//     rotations and a diagonal: unconditionally stable;
//   - with noise, delta = s delta', the system is kron(K1) + kron(K2) + s^2 I: solved by spin.hpp;
//   - AND alone with noise: kron(K1) + I, diagonal after one rotation a bit.
// Without noise the constant and the singletons, common to both kinds, are there once more in a scale of their own
// (affine.hpp). With noise singletons much larger than others are thresholded kSingles times as much: a diagonal
// metric D, in which the projection is x - D A^T (A D A^T)^-1 (A x - v).
// A restart comes when the step has shrunk enough, and then the threshold moves so that coefficients and multipliers
// travel about equally far, and likewise the scales of the noise block and of the affine one: all adapt to the sample.
// Every check_every steps, later more rarely, exact candidates are made, from the projected point (its delta clipped
// and what that leaves given to the nearest pair) and from the thresholded one (what it leaves moved into one kind),
// and the multipliers y give the lower bound (v.y - zeta |y|_1) / max(|Z^T y|, |Q^T y|) / w, y less its mean: valid
// for any y. The best of each is kept, and polished near the gap asked for (solver_polish.inl.hpp).
// With noise a run begins with the dual simplex method, which ends with the exact optimum where that has few terms, and
// elsewhere makes pairs of the iteration's points (simplex.hpp). The iteration begins in f32 and goes on in f64 from
// the same point (solver_run.inl.hpp). Null players have been left out before (null_players.hpp).
// Several networks together cost (1 - alpha) max_k + alpha sum_k of an interaction's sizes; one system each.
// Order of operations fixed: the same bits on any number of threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "../lattice/bits.hpp"
#include "affine.hpp"
#include "arena.hpp"
#include "basis.hpp"
#include "harsanyi/harsanyi.h"
#include "kernels.hpp"
#include "spin.hpp"
#include "tables.hpp"

namespace harsanyi {

// Sums run over blocks of this many entries, in order, whoever computes them.
constexpr size_t kBlock = 8192;
constexpr size_t kMostBlocks = (size_t{1} << HARSANYI_MAX_DECOMPOSE_PLAYERS) / kBlock;

// What all samples of a batch share.
template <class T>
struct DecomposePlan {
  static DecomposePlan place(const KernelTable& table, const harsanyi_decompose_options& options, int n, bool noise,
                             Arena& arena) noexcept;
  void build(const harsanyi_decompose_options& options) noexcept;

  int n = 0, networks = 1;
  bool noise = false, and_only = false, heuristic = false, excluded = false;
  int band_from = 0, band_to = 0;  // orders outside take no part in the dual, since a free order needs sums of zero
  // Tables by order, rows of kTableRow (by_rows in sparse.inl.hpp): the weights, one over each (0 where that is free),
  // 2 to the power -order, D^(1/2), and 1 / (1 + D) or, for AND alone, the inverse in the basis of K1.
  T *weight = nullptr, *inverse_weight = nullptr, *halves = nullptr, *ratio = nullptr, *inverse = nullptr;
  T* steep = nullptr;       // the weights, times kSingles for the singletons
  bool has_affine = false;  // AND and OR of one network without noise
  bool begins_in_f32 = false;
  bool pivots = false;  // begins with the dual simplex method (simplex.hpp)
  bool turns = false;   // for the bound and for the pair: AND and OR of one network with noise
  bool folds = false;   // such steps in two passes over memory (cpu/step.inl.hpp)
  AffineBlock<T> affine;
  SpinPaths spin;  // AND and OR with noise
};

// Scratch memory of one sample, and the threads that work on it.
template <class T>
struct DecomposeScratch {
  // ahead: the plan of a beginning in f32, where there is one.
  static DecomposeScratch place(const KernelTable& table, const DecomposePlan<T>& plan,
                                const DecomposePlan<float>& ahead, int threads, Arena& arena) noexcept;

  int threads = 1;
  T* memory = nullptr;
  SpinSolver<T> spin;  // for the scale of this sample's noise block
  SpinSolver<float> spin_ahead;
  Basis basis;  // of the dual simplex method, and its numbers by term
  double* terms = nullptr;
  char* tiles = nullptr;  // tile_bytes for each thread
  size_t tile_bytes = 0;
};

// networks * 2**n entries each; delta may be null without noise.
struct DecomposeSample {
  const double* v;
  const double* zeta;  // one a network, or null
  double *and_, *or_, *delta, *dual;
};

// The caller's wish to stop, asked about every 50 ms, by one thread at a time.
class Interrupt {
 public:
  explicit Interrupt(const harsanyi_decompose_options& options) noexcept : options_(options) {}
  bool stopped() noexcept;
  void finished_one() noexcept { finished_.fetch_add(1, std::memory_order_relaxed); }
  bool was_stopped() const noexcept { return stopped_.load(); }

 private:
  const harsanyi_decompose_options& options_;
  std::atomic<bool> stopped_{false};
  std::atomic_flag asking_ = ATOMIC_FLAG_INIT;
  std::atomic<int64_t> finished_{0}, asked_at_{0};
};

// ahead: the plan of a beginning in f32, or null.
template <class T>
harsanyi_decompose_report decompose_sample(const KernelTable& table, const DecomposePlan<T>& plan,
                                           const DecomposePlan<float>* ahead, const harsanyi_decompose_options& options,
                                           const DecomposeSample& sample, const DecomposeScratch<T>& scratch,
                                           Interrupt& interrupt) noexcept;

extern template struct DecomposePlan<float>;
extern template struct DecomposePlan<double>;
extern template struct DecomposeScratch<float>;
extern template struct DecomposeScratch<double>;

}  // namespace harsanyi
