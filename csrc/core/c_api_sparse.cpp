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

// From here on the threads share one sample, since its vectors outgrow the caches of one processor; below, each has its
// own. A sample comes out the same either way.
constexpr int kSharedPlayers = 16;

struct Pieces {
  DecomposePlan plan;
  DecomposeScratch scratch;  // the first worker's; the others follow at scratch_bytes
  size_t scratch_bytes;
  int workers;  // samples at a time
  size_t bytes;
};

Pieces place(int n, int64_t batch, bool noise, int threads, char* memory) {
  const bool shared = n >= kSharedPlayers;
  Pieces pieces;
  pieces.workers = shared || batch < 2 ? 1 : (batch < threads ? static_cast<int>(batch) : threads);
  Arena arena{memory, 0};
  pieces.plan = DecomposePlan::place(n, noise, arena);
  const size_t before = arena.used;
  pieces.scratch = DecomposeScratch::place(kernels(), n, noise, shared ? threads : 1, arena);
  pieces.scratch_bytes = arena.used - before;
  pieces.bytes = before + pieces.scratch_bytes * static_cast<size_t>(pieces.workers);
  return pieces;
}

harsanyi_status check_options(const harsanyi_decompose_options& options, int n) {
  if (!(options.gap >= 0)) return fail(bad, "gap: %g, must be at least 0", options.gap);
  if (options.max_steps < 1) return fail(bad, "max_steps: must be at least 1");
  if (options.check_every < 1) return fail(bad, "check_every: must be at least 1");
  if (!(options.relaxation > 0 && options.relaxation < 2)) {
    return fail(bad, "relaxation: %g is outside 0..2", options.relaxation);
  }
  if (!(options.penalty >= 0 && std::isfinite(options.penalty))) {
    return fail(bad, "penalty: %g, must be at least 0 and finite", options.penalty);
  }
  if (options.weights == nullptr) return HARSANYI_OK;
  for (int m = 1; m <= n; ++m) {
    if (!(options.weights[m] >= 0)) return fail(bad, "weights[%d]: %g, must be at least 0", m, options.weights[m]);
    if (m > 1 && options.weights[m - 1] == 0 && options.weights[m] > 0) {
      return fail(bad, "weights[%d]: 0, but weights[%d] is not: only all orders above one can be free", m - 1, m);
    }
  }
  return HARSANYI_OK;
}

bool is_size(int n, int64_t batch) {
  return n >= 0 && n <= HARSANYI_MAX_DECOMPOSE_PLAYERS && batch >= 0 && batch <= (INT64_MAX >> (n + 3));
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

size_t harsanyi_decompose_workspace(int n, int64_t batch, int with_noise) {
  if (!is_size(n, batch) || batch == 0) return 0;
  return 64 + place(n, batch, with_noise != 0, num_threads(), nullptr).bytes;
}

harsanyi_status harsanyi_decompose(const harsanyi_decompose_options* options, int n, int64_t batch, const double* v,
                                   const double* zetas, double* and_, double* or_, double* delta, double* dual,
                                   harsanyi_decompose_report* reports, void* workspace, size_t workspace_bytes) {
  if (options == nullptr) return fail(bad, "options: null pointer");
  if (!is_size(n, batch)) {
    return fail(bad, "n, batch: %d players, %lld samples; n is at most %d", n, static_cast<long long>(batch),
                HARSANYI_MAX_DECOMPOSE_PLAYERS);
  }
  if (const harsanyi_status status = check_options(*options, n)) return status;
  if (batch == 0) return HARSANYI_OK;
  if (!v || !and_ || !or_ || !dual || !reports) return fail(bad, "v, and, or, dual, reports: null pointer");
  const bool noise = zetas != nullptr;
  if (noise && delta == nullptr) return fail(bad, "delta: null pointer, but zetas are given");
  for (int64_t b = 0; noise && b < batch; ++b) {
    if (!(zetas[b] >= 0 && std::isfinite(zetas[b]))) {
      return fail(bad, "zetas[%lld]: %g, must be at least 0 and finite", static_cast<long long>(b), zetas[b]);
    }
  }
  const size_t size = size_t{1} << n;
  for (size_t i = 0; i < size * static_cast<size_t>(batch); ++i) {
    if (!std::isfinite(v[i])) {
      return fail(bad, "v: sample %zu is %g at subset %zu, must be finite", i / size, v[i], i % size);
    }
  }
  const int threads = num_threads();
  const Pieces pieces = place(n, batch, noise, threads, aligned(workspace));
  if (workspace == nullptr || workspace_bytes < 64 + pieces.bytes) {
    return fail(HARSANYI_ERROR_WORKSPACE, "workspace: %zu bytes given, %zu needed", workspace_bytes, 64 + pieces.bytes);
  }
  const KernelTable& table = kernels();
  DecomposePlan plan = pieces.plan;
  plan.build(*options);
  parallel_for(batch, pieces.workers, [&](int64_t b, int worker) {
    DecomposeScratch scratch = pieces.scratch;
    const size_t from = static_cast<size_t>(worker) * pieces.scratch_bytes / sizeof(double);
    for (double*& vector : scratch.vector) vector = vector == nullptr ? nullptr : vector + from;
    if (scratch.tiles != nullptr) scratch.tiles += static_cast<size_t>(worker) * pieces.scratch_bytes;
    const size_t at = static_cast<size_t>(b) << n;
    const DecomposeSample sample{v + at,   noise ? zetas[b] : 0.0,       and_ + at,
                                 or_ + at, noise ? delta + at : nullptr, dual + at};
    reports[b] = decompose_sample(table, plan, *options, sample, scratch);
  });
  return HARSANYI_OK;
}

}  // extern "C"
