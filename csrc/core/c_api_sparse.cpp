// The C ABI of the sparse decomposition: checks arguments, shares out the workspace, hands samples to the pool.
#include <cmath>

#include "../lattice/bits.hpp"
#include "arena.hpp"
#include "checks.hpp"
#include "decompose.hpp"
#include "dispatch.hpp"
#include "harsanyi/harsanyi.h"
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
  pieces.plan = DecomposePlan<T>::place(options, n, noise, arena);
  const size_t before = arena.used;
  pieces.scratch = DecomposeScratch<T>::place(kernels(), pieces.plan, shared ? threads : 1, arena);
  pieces.scratch_bytes = arena.used - before;
  pieces.bytes = before + pieces.scratch_bytes * static_cast<size_t>(pieces.workers) + 64;
  return pieces;
}

harsanyi_status check_options(const harsanyi_decompose_options& options, int n) {
  if (options.dtype != HARSANYI_F64 && options.dtype != HARSANYI_F32) return fail(bad, "dtype: must be f32 or f64");
  if (!(options.gap >= 0)) return fail(bad, "gap: %g, must be at least 0", options.gap);
  if (options.max_steps < 1) return fail(bad, "max_steps: must be at least 1");
  if (options.check_every < 1) return fail(bad, "check_every: must be at least 1");
  if (!(options.penalty >= 0 && std::isfinite(options.penalty))) {
    return fail(bad, "penalty: %g, must be at least 0 and finite", options.penalty);
  }
  if (!(options.share >= 0 && options.share <= 1)) return fail(bad, "share: %g is outside 0..1", options.share);
  if (!(options.alpha >= 0 && options.alpha <= 1)) return fail(bad, "alpha: %g is outside 0..1", options.alpha);
  if (options.networks < 1 || options.networks > HARSANYI_MAX_NETWORKS) {
    return fail(bad, "networks: %d is outside 1..%d", options.networks, HARSANYI_MAX_NETWORKS);
  }
  if (options.share < 1 && options.networks > 1) return fail(bad, "share: below 1 for one network alone");
  if (options.and_only && options.networks > 1) return fail(bad, "and_only: for one network alone");
  if (options.weights == nullptr) return HARSANYI_OK;
  for (int m = 1; m <= n; ++m) {
    if (!(options.weights[m] >= 0)) return fail(bad, "weights[%d]: %g, must be at least 0", m, options.weights[m]);
    if (m > 1 && options.weights[m - 1] == 0 && options.weights[m] > 0) {
      return fail(bad, "weights[%d]: 0, but weights[%d] is not: only all orders above one can be free", m - 1, m);
    }
  }
  return HARSANYI_OK;
}

bool is_size(const harsanyi_decompose_options& options, int n, int64_t batch) {
  return n >= 0 && n <= HARSANYI_MAX_DECOMPOSE_PLAYERS && batch >= 0 && options.networks >= 1 &&
         options.networks <= HARSANYI_MAX_NETWORKS && batch <= (INT64_MAX >> (n + 3)) / options.networks;
}

template <class T>
harsanyi_status decompose(const harsanyi_decompose_options& options, int n, int64_t batch,
                          const DecomposeSample& samples, harsanyi_decompose_report* reports, void* workspace,
                          size_t workspace_bytes) {
  const bool noise = samples.zeta != nullptr;
  // Another thread may have raised the number of threads since the query: as many as the workspace holds.
  int threads = num_threads();
  Pieces<T> pieces = place<T>(options, n, batch, noise, threads, aligned(workspace));
  while (threads > 1 && workspace_bytes < pieces.bytes) {
    pieces = place<T>(options, n, batch, noise, --threads, aligned(workspace));
  }
  if (workspace == nullptr || workspace_bytes < pieces.bytes) {
    return fail(HARSANYI_ERROR_WORKSPACE, "workspace: %zu bytes given, %zu needed", workspace_bytes, pieces.bytes);
  }
  const KernelTable& table = kernels();
  DecomposePlan<T> plan = pieces.plan;
  plan.build(options);
  Interrupt interrupt(options);
  parallel_for(batch, pieces.workers, [&](int64_t b, int worker) {
    if (interrupt.stopped()) return;
    DecomposeScratch<T> scratch = pieces.scratch;
    const size_t offset = static_cast<size_t>(worker) * pieces.scratch_bytes;
    scratch.memory += offset / sizeof(T);
    scratch.spin = pieces.scratch.spin.moved(offset);
    if (scratch.tiles != nullptr) scratch.tiles += offset;
    const size_t first = static_cast<size_t>(b) * static_cast<size_t>(options.networks), at = first << n;
    const DecomposeSample sample{samples.v + at,   noise ? samples.zeta + first : nullptr, samples.and_ + at,
                                 samples.or_ + at, noise ? samples.delta + at : nullptr,   samples.dual + at};
    reports[b] = decompose_sample<T>(table, plan, options, sample, scratch, interrupt);
  });
  if (interrupt.was_stopped()) return fail(HARSANYI_ERROR_INTERRUPTED, "stopped by the caller");
  return HARSANYI_OK;
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

void harsanyi_decompose_defaults(harsanyi_decompose_options* options) {
  if (options == nullptr) return;
  *options = {HARSANYI_F64, 1e-3, 20000, 20, 0, 1, nullptr, 0, 1.0, 1, 0.1, 0, nullptr, nullptr};
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
  if (options == nullptr) return fail(bad, "options: null pointer");
  if (n < 0 || n > HARSANYI_MAX_DECOMPOSE_PLAYERS) {
    return fail(bad, "n: %d players, must be within 0..%d", n, HARSANYI_MAX_DECOMPOSE_PLAYERS);
  }
  if (const harsanyi_status status = check_options(*options, n)) return status;
  if (!is_size(*options, n, batch)) return fail(bad, "batch: %lld samples", static_cast<long long>(batch));
  if (batch == 0) return HARSANYI_OK;
  if (!v || !and_ || !or_ || !dual || !reports) return fail(bad, "v, and, or, dual, reports: null pointer");
  const bool noise = zetas != nullptr;
  if (noise && options->dtype == HARSANYI_F32) return fail(bad, "dtype: f32 serves without noise only");
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
