// The C ABI: checks arguments, cuts the work into independent items and hands them to the pool.
#include <cstring>

#include "../lattice/bits.hpp"
#include "arena.hpp"
#include "checks.hpp"
#include "dispatch.hpp"
#include "harsanyi/harsanyi.h"
#include "harsanyi/version.h"
#include "run_transform.hpp"
#include "status.hpp"
#include "threads.hpp"

namespace harsanyi {
namespace {

// A workspace: one aligned piece a thread, and room to align the first.
size_t workspace_bytes_for(size_t each, int threads) {
  return each == 0 ? 0 : 64 + aligned(each) * static_cast<size_t>(threads);
}

harsanyi_status transform(const Transform& job, int64_t batch, void* workspace, size_t workspace_bytes) {
  const KernelTable& table = kernels();
  const TransformCut cut = table.cut_transform(job.dtype, job.n);
  const size_t bytes = size_of(job.dtype) << job.n;
  if (batch == 0) return HARSANYI_OK;
  const harsanyi_status status = check_buffers(job.src, job.dst, bytes * static_cast<size_t>(batch));
  if (status != HARSANYI_OK) return status;
  const int threads = num_threads();
  const size_t need = workspace_bytes_for(cut.scratch, threads);
  if (const harsanyi_status short_of = check_workspace(need, workspace, workspace_bytes)) return short_of;
  run_transform(table, cut, job, batch, aligned(workspace), threads);
  return HARSANYI_OK;
}

harsanyi_status check_masking(size_t element_bytes, int64_t elements, const void* sample, const void* baseline,
                              const int32_t* player, int n, int64_t rows, const void* sets, const void* out) {
  const harsanyi_status status =
      check_masked_batch(element_bytes, elements, sample, baseline, player, n, rows, sets, out);
  if (status != HARSANYI_OK || rows == 0) return status;
  for (int64_t e = 0; e < elements; ++e) {
    if (player[e] >= n) {
      return fail(bad, "player[%lld]: %d, but there are %d players", static_cast<long long>(e), player[e], n);
    }
  }
  return HARSANYI_OK;
}

harsanyi_status run_masking(const MaskedBatch& job, int64_t rows) {
  const KernelTable& table = kernels();
  const int64_t row_bytes = job.elements * static_cast<int64_t>(job.element_bytes);
  parallel_ranges(rows, row_bytes, [&](int64_t first, int64_t count, int) { table.masked_rows(job, first, count); });
  return HARSANYI_OK;
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

const char* harsanyi_version(void) { return HARSANYI_VERSION; }
const char* harsanyi_last_error(void) { return last_error(); }
const char* harsanyi_isa(void) { return kernels().name; }
int harsanyi_isa_count(void) { return tier_count(); }
const char* harsanyi_isa_name(int index) { return index >= 0 && index < tier_count() ? tier(index).name : nullptr; }
harsanyi_status harsanyi_set_isa(const char* name) {
  if (select_tier(name)) return HARSANYI_OK;
  return fail(HARSANYI_ERROR_UNSUPPORTED, "isa: '%s' is unknown or not supported by this processor", name ? name : "");
}

int harsanyi_get_num_threads(void) { return num_threads(); }
harsanyi_status harsanyi_set_num_threads(int count) {
  if (count < 1 || count > 1024) return fail(bad, "num_threads: %d is outside 1..1024", count);
  set_num_threads(count);
  return HARSANYI_OK;
}
void harsanyi_set_parallel_for(harsanyi_parallel_for run, void* context) { set_parallel_for(run, context); }

size_t harsanyi_transform_workspace(harsanyi_dtype dtype, int n) {
  if (!known(dtype) || !is_lattice(n)) return 0;
  const TransformCut cut = kernels().cut_transform(static_cast<Dtype>(dtype), n);
  return workspace_bytes_for(cut.scratch, num_threads());
}

harsanyi_status harsanyi_transform(harsanyi_kind kind, harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                   void* dst, void* workspace, size_t workspace_bytes) {
  if (kind < HARSANYI_ZETA || kind > HARSANYI_WALSH_HADAMARD) return fail(bad, "kind: %d is unknown", kind);
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  const Transform job{static_cast<Kind>(kind), static_cast<Dtype>(dtype), n, src, dst, {}};
  return transform(job, batch, workspace, workspace_bytes);
}

harsanyi_status harsanyi_kronecker(const double matrix[4], harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                   void* dst, void* workspace, size_t workspace_bytes) {
  if (matrix == nullptr) return fail(bad, "matrix: null pointer");
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: a real matrix needs f32 or f64");
  const Transform job{
      Kind::general, static_cast<Dtype>(dtype), n, src, dst, {matrix[0], matrix[1], matrix[2], matrix[3]}};
  return transform(job, batch, workspace, workspace_bytes);
}

harsanyi_status harsanyi_reduce_orders(harsanyi_dtype dtype, int n, int64_t batch, const void* src,
                                       const double* thresholds, int salient_only, const harsanyi_order_sums* out) {
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: reductions take f32 or f64");
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  const KernelTable& table = kernels();
  const size_t bytes = size_of(static_cast<Dtype>(dtype)) << n;
  const harsanyi_order_sums to = *out;
  parallel_ranges(batch, static_cast<int64_t>(bytes), [&](int64_t first, int64_t vectors, int) {
    for (int64_t b = first; b < first + vectors; ++b) {
      double positive[kMaxLatticePlayers + 1], negative[kMaxLatticePlayers + 1];
      int64_t count[kMaxLatticePlayers + 1];
      table.reduce_orders(static_cast<Dtype>(dtype), static_cast<const char*>(src) + static_cast<size_t>(b) * bytes, n,
                          thresholds ? thresholds[b] : 0.0, salient_only != 0, positive, negative, count);
      for (int m = 0; m <= n; ++m) {
        const int64_t at = b * (n + 1) + m;
        if (to.sum) to.sum[at] = positive[m] - negative[m];
        if (to.absolute) to.absolute[at] = positive[m] + negative[m];
        if (to.positive) to.positive[at] = positive[m];
        if (to.negative) to.negative[at] = negative[m];
        if (to.count) to.count[at] = count[m];
      }
    }
  });
  return HARSANYI_OK;
}

size_t harsanyi_player_sums_workspace(int n) {
  return is_lattice(n) && n > 0 ? workspace_bytes_for(sizeof(double) << (n - 1), num_threads()) : 0;
}

harsanyi_status harsanyi_player_sums(harsanyi_dtype dtype, int n, int64_t batch, const void* src, const double* weights,
                                     double* out, void* workspace, size_t workspace_bytes) {
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: player sums take f32 or f64");
  if (batch == 0 || n == 0) return HARSANYI_OK;
  if (src == nullptr || weights == nullptr || out == nullptr) return fail(bad, "src, weights, out: null pointer");
  const int threads = num_threads();
  const size_t need = workspace_bytes_for(sizeof(double) << (n - 1), threads);
  if (const harsanyi_status status = check_workspace(need, workspace, workspace_bytes)) return status;
  const KernelTable& table = kernels();
  const size_t bytes = size_of(static_cast<Dtype>(dtype)) << n, each = aligned(sizeof(double) << (n - 1));
  char* const scratch = aligned(workspace);
  const auto sum_vectors = [&](int64_t first, int64_t vectors, int worker) {
    for (int64_t b = first; b < first + vectors; ++b) {
      table.player_sums(static_cast<Dtype>(dtype), static_cast<const char*>(src) + static_cast<size_t>(b) * bytes, n,
                        weights, out + b * n, reinterpret_cast<double*>(scratch + static_cast<size_t>(worker) * each));
    }
  };
  parallel_ranges(batch, static_cast<int64_t>(bytes), sum_vectors, threads);
  return HARSANYI_OK;
}

harsanyi_status harsanyi_masked_batch(size_t element_bytes, int64_t elements, const void* sample, const void* baseline,
                                      const int32_t* player, int n, int64_t rows, const int64_t* subsets, void* out) {
  const harsanyi_status status =
      check_masking(element_bytes, elements, sample, baseline, player, n, rows, subsets, out);
  if (status != HARSANYI_OK || rows == 0 || elements == 0) return status;
  if (n > kMaxSubsetPlayers) return fail(bad, "n: %d players need masks, subsets hold %d", n, kMaxSubsetPlayers);
  return run_masking({element_bytes, elements, sample, baseline, player, n, subsets, nullptr, out}, rows);
}

harsanyi_status harsanyi_masked_batch_from_masks(size_t element_bytes, int64_t elements, const void* sample,
                                                 const void* baseline, const int32_t* player, int n, int64_t rows,
                                                 const uint8_t* masks, void* out) {
  const harsanyi_status status = check_masking(element_bytes, elements, sample, baseline, player, n, rows, masks, out);
  if (status != HARSANYI_OK || rows == 0 || elements == 0) return status;
  return run_masking({element_bytes, elements, sample, baseline, player, n, nullptr, masks, out}, rows);
}

}  // extern "C"
