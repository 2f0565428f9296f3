// The C ABI of the CUDA twins of reductions: checks what lies in host memory, then the plugin.
#include "c_api_cuda.hpp"
#include "reduction_cut.hpp"

namespace harsanyi {
namespace {

constexpr int order_quantities = 3, player_quantities = 1;  // of the partial sums

size_t workspace_bytes_for(harsanyi_dtype dtype, int n, int64_t batch, int quantities) {
  return reduction_workspace(n, dtype == HARSANYI_F32 ? 2 : 1, quantities, batch);
}

size_t workspace_query(harsanyi_dtype dtype, int n, int64_t batch, int quantities) {
  const bool valid = (dtype == HARSANYI_F32 || dtype == HARSANYI_F64) && is_lattice(n) && batch >= 0 &&
                     batch <= (INT64_MAX >> (n + 3));
  return valid ? workspace_bytes_for(dtype, n, batch, quantities) : 0;
}

harsanyi_status check_reduction(harsanyi_dtype dtype, int n, int64_t batch, const char* what) {
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: %s take f32 or f64", what);
  return HARSANYI_OK;
}

harsanyi_status check_doubles(size_t need, const void* workspace, size_t bytes) {
  if (const harsanyi_status status = check_workspace(need, workspace, bytes)) return status;
  if (reinterpret_cast<uintptr_t>(workspace) % sizeof(double) == 0) return HARSANYI_OK;
  return fail(HARSANYI_ERROR_WORKSPACE, "workspace: not aligned to %zu bytes", sizeof(double));
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

size_t harsanyi_cuda_reduce_orders_workspace(harsanyi_dtype dtype, int n, int64_t batch) {
  return workspace_query(dtype, n, batch, order_quantities);
}

harsanyi_status harsanyi_cuda_reduce_orders(int device, void* stream, harsanyi_dtype dtype, int n, int64_t batch,
                                            const void* src, const double* thresholds, int salient_only,
                                            const harsanyi_order_sums* out, void* workspace, size_t workspace_bytes) {
  if (const harsanyi_status status = check_reduction(dtype, n, batch, "reductions")) return status;
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  const size_t need = workspace_bytes_for(dtype, n, batch, order_quantities);
  if (const harsanyi_status status = check_doubles(need, workspace, workspace_bytes)) return status;
  OrderReduction job{};
  job.dtype = static_cast<Dtype>(dtype);
  job.n = n;
  job.src = src;
  job.thresholds = thresholds;
  job.salient_only = salient_only != 0;
  job.sum = out->sum;
  job.absolute = out->absolute;
  job.positive = out->positive;
  job.negative = out->negative;
  job.count = out->count;
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.reduce_orders(place, job, batch, static_cast<double*>(workspace));
  });
}

size_t harsanyi_cuda_player_sums_workspace(harsanyi_dtype dtype, int n, int64_t batch) {
  return workspace_query(dtype, n, batch, player_quantities);
}

harsanyi_status harsanyi_cuda_player_sums(int device, void* stream, harsanyi_dtype dtype, int n, int64_t batch,
                                          const void* src, const double* weights, double* out, void* workspace,
                                          size_t workspace_bytes) {
  if (const harsanyi_status status = check_reduction(dtype, n, batch, "player sums")) return status;
  if (batch == 0 || n == 0) return HARSANYI_OK;
  if (src == nullptr || weights == nullptr || out == nullptr) return fail(bad, "src, weights, out: null pointer");
  const size_t need = workspace_bytes_for(dtype, n, batch, player_quantities);
  if (const harsanyi_status status = check_doubles(need, workspace, workspace_bytes)) return status;
  const PlayerReduction job{static_cast<Dtype>(dtype), n, src, weights, out};
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.player_sums(place, job, batch, static_cast<double*>(workspace));
  });
}

}  // extern "C"
