#include "decompose.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "../lattice/bits.hpp"
#include "simplex.hpp"
#include "solver_affine.inl.hpp"
#include "solver_certificate.inl.hpp"
#include "solver_iteration.inl.hpp"
#include "solver_polish.inl.hpp"
#include "solver_run.inl.hpp"
#include "solver_turns.inl.hpp"

namespace harsanyi {
namespace {

// Players of steps in two passes: more than any tier's leaf has bits, and at most as many as fit a tile into L2.
constexpr int kLeastFolded = 8, kMostFolded = 16;

// Players from which a beginning in f32 is worth its tables.
constexpr int kLeastAhead = 8;

}  // namespace

bool Interrupt::stopped() noexcept {
  if (options_.poll == nullptr) return false;
  if (stopped_.load(std::memory_order_relaxed)) return true;
  const int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
  if (now - asked_at_.load(std::memory_order_relaxed) < 50 || asking_.test_and_set(std::memory_order_acquire)) {
    return false;
  }
  asked_at_.store(now, std::memory_order_relaxed);
  if (options_.poll(options_.poll_context, finished_.load(std::memory_order_relaxed)) != 0) stopped_.store(true);
  asking_.clear(std::memory_order_release);
  return stopped_.load(std::memory_order_relaxed);
}

template <class T>
DecomposePlan<T> DecomposePlan<T>::place(const KernelTable& table, const harsanyi_decompose_options& options, int n,
                                         bool noise, Arena& arena) noexcept {
  DecomposePlan plan;
  plan.n = n;
  plan.networks = options.networks;
  plan.noise = noise;
  plan.and_only = options.and_only != 0;
  plan.heuristic = options.share < 1;
  plan.has_affine = n > 0 && !noise && !plan.and_only && !plan.heuristic && plan.networks == 1;
  plan.begins_in_f32 = n >= kLeastAhead && sizeof(T) == sizeof(double) && options.single_first != 0 &&
                       !plan.heuristic && !plan.and_only && plan.networks == 1;
  plan.pivots = n > 0 && noise && sizeof(T) == sizeof(double) && !plan.heuristic && plan.networks == 1 &&
                options.simplex_first != 0;
  plan.turns = noise && !plan.and_only && !plan.heuristic && plan.networks == 1;
  plan.folds = plan.has_affine && n >= kLeastFolded && n <= kMostFolded;
  const size_t entries = static_cast<size_t>(n + 1) * kTableRow;
  plan.weight = arena.take<T>(entries);
  plan.inverse_weight = arena.take<T>(entries);
  plan.halves = arena.take<T>(entries);
  plan.ratio = arena.take<T>(entries);
  plan.inverse = arena.take<T>(entries);
  if (plan.turns) plan.steep = arena.take<T>(entries);
  if (plan.has_affine) plan.affine = AffineBlock<T>::place(n, arena);
  if (noise && !plan.and_only) plan.spin = SpinPaths::place(n, table.sparse<T>().path_bits, arena);
  return plan;
}

template <class T>
void DecomposePlan<T>::build(const harsanyi_decompose_options& options) noexcept {
  double by_order[HARSANYI_MAX_DECOMPOSE_PLAYERS + 1] = {};
  excluded = false;
  for (int m = 1; m <= n; ++m) {
    by_order[m] = options.weights ? options.weights[m] : 1;
    excluded = excluded || std::isinf(by_order[m]);
  }
  band_to = n;
  while (band_to > 0 && by_order[band_to] == 0) --band_to;
  band_from = and_only ? 0 : n - band_to;
  const double shrink = std::pow(1 + 1 / (kPhi * kPhi), -n);  // R^T R of the unscaled rotation, to the power -1
  const auto root = [&](int m) { return std::pow(kPhi, 2 * m - n); };
  fill_table(n, weight, [&](int m) { return by_order[m]; });
  if (turns) fill_table(n, steep, [&](int m) { return (m == 1 ? kSingles : 1) * by_order[m]; });
  fill_table(n, inverse_weight, [&](int m) { return by_order[m] > 0 ? 1 / static_cast<T>(by_order[m]) : 0; });
  fill_table(n, halves, [](int m) { return std::ldexp(1, -m); });
  fill_table(n, ratio, root);
  fill_table(n, inverse, [&](int m) { return (and_only ? shrink : 1) / (1 + root(m) * root(m)); });
  if (has_affine) affine.build(n);
  if (noise && !and_only) spin.build();
}

template <class T>
DecomposeScratch<T> DecomposeScratch<T>::place(const KernelTable& table, const DecomposePlan<T>& plan,
                                               const DecomposePlan<float>& ahead, int threads, Arena& arena) noexcept {
  DecomposeScratch scratch;
  scratch.threads = threads;
  scratch.memory = arena.take<T>(Solver<T>::vectors(plan) * (static_cast<size_t>(plan.networks) << plan.n));
  if (plan.noise && !plan.and_only) scratch.spin = SpinSolver<T>::place(plan.spin, arena);
  if (plan.noise && plan.begins_in_f32) scratch.spin_ahead = SpinSolver<float>::place(ahead.spin, arena);
  if (plan.pivots) {
    scratch.basis = Basis::place(Simplex<double>::most_terms(plan.n), arena);
    scratch.terms = arena.take<double>(Simplex<double>::numbers(plan.n));
  }
  size_t tile =
      std::max(table.cut_transform(Dtype::f64, plan.n).scratch, table.cut_transform(Dtype::f32, plan.n).scratch);
  if (plan.folds) tile = std::max(tile, size_t{128} << (plan.n - table.sparse<T>().fold_bits));
  scratch.tile_bytes = aligned(tile);
  scratch.tiles = arena.take<char>(scratch.tile_bytes * static_cast<size_t>(threads));
  return scratch;
}

template <class T>
harsanyi_decompose_report decompose_sample(const KernelTable& table, const DecomposePlan<T>& plan,
                                           const DecomposePlan<float>* ahead, const harsanyi_decompose_options& options,
                                           const DecomposeSample& sample, const DecomposeScratch<T>& scratch,
                                           Interrupt& interrupt) noexcept {
  Solver<T> solver(table, plan, options, sample, scratch, interrupt);
  if constexpr (sizeof(T) == sizeof(double)) {
    if (ahead != nullptr) {
      harsanyi_decompose_options loose = options;
      loose.gap = std::max(options.gap, single_gap(plan.n));
      DecomposeScratch<float> lent;  // the second half of the memory, so that its points can be widened into the first
      lent.threads = scratch.threads;
      lent.spin = scratch.spin_ahead;
      lent.memory = reinterpret_cast<float*>(scratch.memory) + (Solver<T>::vectors(plan) << plan.n);
      lent.tiles = scratch.tiles;
      lent.tile_bytes = scratch.tile_bytes;
      Solver<float> first(table, *ahead, loose, sample, lent, interrupt);
      return solver.run(&first);
    }
  }
  return solver.run(nullptr);
}

template struct DecomposePlan<float>;
template struct DecomposePlan<double>;
template struct DecomposeScratch<float>;
template struct DecomposeScratch<double>;
template harsanyi_decompose_report decompose_sample(const KernelTable&, const DecomposePlan<float>&,
                                                    const DecomposePlan<float>*, const harsanyi_decompose_options&,
                                                    const DecomposeSample&, const DecomposeScratch<float>&,
                                                    Interrupt&) noexcept;
template harsanyi_decompose_report decompose_sample(const KernelTable&, const DecomposePlan<double>&,
                                                    const DecomposePlan<float>*, const harsanyi_decompose_options&,
                                                    const DecomposeSample&, const DecomposeScratch<double>&,
                                                    Interrupt&) noexcept;

}  // namespace harsanyi
