// The C ABI of the sparse decomposition: checks arguments, shares out the workspace, hands samples to the pool.
#include <cmath>

#include "../lattice/bits.hpp"
#include "arena.hpp"
#include "checks.hpp"
#include "decompose.hpp"
#include "decompose_checks.hpp"
#include "dispatch.hpp"
#include "harsanyi/harsanyi.h"
#include "null_players.hpp"
#include "status.hpp"
#include "threads.hpp"

namespace harsanyi {
namespace {

static_assert(kMaxNetworks == HARSANYI_MAX_NETWORKS, "one limit");

// From here on the threads share one sample, since its vectors outgrow the caches of one processor; below, each has its
// own. A sample comes out the same either way.
constexpr int kSharedPlayers = 16;

template <class T>
struct Pieces {
  DecomposePlan<T> plan;
  DecomposePlan<float> ahead;   // of its beginning in f32, if it has one
  DecomposeScratch<T> scratch;  // the first worker's; the others follow at scratch_bytes
  size_t scratch_bytes;
  int workers;  // samples at a time
  size_t bytes;
};

template <class T>
Pieces<T> place(const harsanyi_decompose_options& options, int n, int64_t batch, bool noise, int threads,
                char* memory) {
  const bool shared = n >= kSharedPlayers;
  Pieces<T> pieces;
  pieces.workers = shared || batch < 2 ? 1 : (batch < threads ? static_cast<int>(batch) : threads);
  Arena arena{memory, 0};
  pieces.plan = DecomposePlan<T>::place(kernels(), options, n, noise, arena);
  if (pieces.plan.begins_in_f32) pieces.ahead = DecomposePlan<float>::place(kernels(), options, n, noise, arena);
  const size_t before = arena.used;
  pieces.scratch = DecomposeScratch<T>::place(kernels(), pieces.plan, pieces.ahead, shared ? threads : 1, arena);
  pieces.scratch_bytes = arena.used - before;
  pieces.bytes = before + pieces.scratch_bytes * static_cast<size_t>(pieces.workers) + 64;
  return pieces;
}

// One sample of a batch, its part of everything.
DecomposeSample sample_of(const DecomposeSample& samples, const harsanyi_decompose_options& options, int n, int64_t b) {
  const size_t vector = static_cast<size_t>(b) * static_cast<size_t>(options.networks), at = vector << n;
  const bool noise = samples.zeta != nullptr;
  return {samples.v + at,   noise ? samples.zeta + vector : nullptr, samples.and_ + at,
          samples.or_ + at, noise ? samples.delta + at : nullptr,    samples.dual + at};
}

// The sample without its null players: its results in the first part of where they belong, its values in the second
// half of AND's memory. A start is what it was for subsets without them.
DecomposeSample without_nulls(const DecomposeSample& sample, uint32_t nulls, int n, int networks, bool warm) {
  const auto drop = [&](Without how, const double* from, double* to) {
    drop_players(nulls, n, networks, how, from, to);
  };
  if (warm) {
    drop(Without::drop, sample.and_, sample.and_);
    drop(Without::add, sample.or_, sample.or_);
    drop(Without::add, sample.dual, sample.dual);
    if (sample.delta != nullptr) drop(Without::drop, sample.delta, sample.delta);
  }
  DecomposeSample rest = sample;
  double* const v = sample.and_ + (static_cast<size_t>(networks) << (n - 1));
  drop(Without::drop, sample.v, v);
  rest.v = v;
  return rest;
}

void with_nulls(const DecomposeSample& sample, uint32_t nulls, int n, int networks, bool found) {
  const With how = found ? With::zero : With::copy;  // of NaN
  insert_players(nulls, n, networks, how, sample.and_);
  insert_players(nulls, n, networks, how, sample.or_);
  insert_players(nulls, n, networks, With::zero, sample.dual);
  if (sample.delta != nullptr) insert_players(nulls, n, networks, With::copy, sample.delta);
}

// Whether samples can do without their null players.
bool may_drop(const harsanyi_decompose_options& options, int n) {
  bool rising = options.drop_null_players != 0 && options.share == 1;
  for (int m = 2; m <= n && options.weights != nullptr; ++m) {
    rising = rising && options.weights[m] >= options.weights[m - 1];
  }
  return rising;
}

// A report's status until its sample is solved: this and the null players.
constexpr int64_t kUnsolved = int64_t{1} << 32;

// The samples of a batch that have so many players with an effect.
template <class T>
harsanyi_status decompose_those_of(int players, const harsanyi_decompose_options& options, int n, int64_t batch,
                                   const DecomposeSample& samples, harsanyi_decompose_report* reports, void* workspace,
                                   size_t workspace_bytes, Interrupt& interrupt) {
  const auto is_one = [&](int64_t b) {
    const int64_t status = reports[b].status;
    return status >= kUnsolved && n - order(static_cast<uint32_t>(status)) == players;
  };
  int64_t count = 0;
  for (int64_t b = 0; b < batch; ++b) count += is_one(b) ? 1 : 0;
  if (count == 0) return HARSANYI_OK;
  const bool noise = samples.zeta != nullptr;
  // Another thread may have raised the number of threads since the query: as many as the workspace holds.
  int threads = num_threads();
  Pieces<T> pieces = place<T>(options, players, count, noise, threads, aligned(workspace));
  while (threads > 1 && workspace_bytes < pieces.bytes) {
    pieces = place<T>(options, players, count, noise, --threads, aligned(workspace));
  }
  if (const harsanyi_status status = check_workspace(pieces.bytes, workspace, workspace_bytes)) return status;
  const KernelTable& table = kernels();
  DecomposePlan<T> plan = pieces.plan;
  plan.build(options);
  DecomposePlan<float> ahead = pieces.ahead;
  const bool begins_in_f32 = plan.begins_in_f32 && !plan.excluded;  // what is excluded is zero only up to rounding
  if (begins_in_f32) ahead.build(options);
  parallel_for(batch, pieces.workers, [&](int64_t b, int worker) {
    if (!is_one(b) || interrupt.stopped()) return;
    DecomposeScratch<T> scratch = pieces.scratch;
    const size_t offset = static_cast<size_t>(worker) * pieces.scratch_bytes;
    scratch.memory += offset / sizeof(T);
    scratch.spin = pieces.scratch.spin.moved(offset);
    scratch.spin_ahead = pieces.scratch.spin_ahead.moved(offset);
    scratch.basis = pieces.scratch.basis.moved(offset);
    if (scratch.terms != nullptr) scratch.terms += offset / sizeof(double);
    if (scratch.tiles != nullptr) scratch.tiles += offset;
    const DecomposeSample whole = sample_of(samples, options, n, b);
    const uint32_t nulls = static_cast<uint32_t>(reports[b].status);
    const DecomposeSample sample =
        nulls == 0 ? whole : without_nulls(whole, nulls, n, options.networks, options.warm_start != 0);
    reports[b] =
        decompose_sample<T>(table, plan, begins_in_f32 ? &ahead : nullptr, options, sample, scratch, interrupt);
    if (nulls != 0) with_nulls(whole, nulls, n, options.networks, reports[b].status != HARSANYI_DECOMPOSE_NOT_FOUND);
  });
  return HARSANYI_OK;
}

template <class T>
harsanyi_status decompose(const harsanyi_decompose_options& options, int n, int64_t batch,
                          const DecomposeSample& samples, harsanyi_decompose_report* reports, void* workspace,
                          size_t workspace_bytes) {
  const bool drops = may_drop(options, n);
  for (int64_t b = 0; b < batch; ++b) {
    const double* const v = sample_of(samples, options, n, b).v;
    reports[b].status = kUnsolved + (drops ? find_null_players(v, n, options.networks) : 0);
  }
  Interrupt interrupt(options);
  harsanyi_status status = HARSANYI_OK;
  for (int players = n; players >= 0 && status == HARSANYI_OK; --players) {
    status = decompose_those_of<T>(players, options, n, batch, samples, reports, workspace, workspace_bytes, interrupt);
  }
  for (int64_t b = 0; b < batch; ++b) {
    if (reports[b].status >= kUnsolved) reports[b] = {INFINITY, 0, 0, HARSANYI_DECOMPOSE_NOT_FOUND};
  }
  if (interrupt.was_stopped()) return fail(HARSANYI_ERROR_INTERRUPTED, "stopped by the caller");
  return status;
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

void harsanyi_decompose_defaults(harsanyi_decompose_options* options) {
  if (options == nullptr) return;
  *options = {HARSANYI_F64, 1, 1, 1, 1e-3, 20000, 20, 0, 1, nullptr, 0, 1.0, 1, 0.1, 0, nullptr, nullptr};
}

size_t harsanyi_decompose_workspace(const harsanyi_decompose_options* options, int n, int64_t batch, int with_noise) {
  if (options == nullptr || !is_size(*options, n, batch) || batch == 0) return 0;
  return options->dtype == HARSANYI_F32
             ? place<float>(*options, n, batch, with_noise != 0, num_threads(), nullptr).bytes
             : place<double>(*options, n, batch, with_noise != 0, num_threads(), nullptr).bytes;
}

harsanyi_status harsanyi_decompose(const harsanyi_decompose_options* options, int n, int64_t batch, const double* v,
                                   const double* zetas, double* and_, double* or_, double* delta, double* dual,
                                   harsanyi_decompose_report* reports, void* workspace, size_t workspace_bytes) {
  const bool noise = zetas != nullptr;
  if (const harsanyi_status status = check_decompose(options, n, batch, noise)) return status;
  if (batch == 0) return HARSANYI_OK;
  if (!v || !and_ || !or_ || !dual || !reports) return fail(bad, "v, and, or, dual, reports: null pointer");
  if (noise && delta == nullptr) return fail(bad, "delta: null pointer, but zetas are given");
  const int64_t vectors = batch * options->networks;
  for (int64_t b = 0; noise && b < vectors; ++b) {
    if (!(zetas[b] >= 0 && std::isfinite(zetas[b]))) {
      return fail(bad, "zetas[%lld]: %g, must be at least 0 and finite", static_cast<long long>(b), zetas[b]);
    }
  }
  const size_t size = size_t{1} << n;
  for (size_t i = 0; i < size * static_cast<size_t>(vectors); ++i) {
    if (!std::isfinite(v[i])) {
      return fail(bad, "v: vector %zu is %g at subset %zu, must be finite", i / size, v[i], i % size);
    }
  }
  const DecomposeSample samples{v, zetas, and_, or_, delta, dual};
  return options->dtype == HARSANYI_F32
             ? decompose<float>(*options, n, batch, samples, reports, workspace, workspace_bytes)
             : decompose<double>(*options, n, batch, samples, reports, workspace, workspace_bytes);
}

}  // extern "C"
