// The C ABI of the decomposition on a device.
#include "c_api_cuda.hpp"
#include "decompose_checks.hpp"
#include "decompose_plan.hpp"

namespace harsanyi {
namespace {

harsanyi_status check_job(const harsanyi_decompose_options* options, int n, int64_t batch, bool noise) {
  if (const harsanyi_status status = check_decompose(options, n, batch, noise)) return status;
  if (options->and_only || options->share < 1 || options->networks > 1) {
    return fail(HARSANYI_ERROR_UNSUPPORTED, "and_only, share, networks: not on CUDA devices");
  }
  return HARSANYI_OK;
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

size_t harsanyi_cuda_decompose_plan_bytes(int n, int with_noise) {
  if (n < 0 || n > HARSANYI_MAX_DECOMPOSE_PLAYERS) return 0;
  return decompose_plan_bytes(n, with_noise != 0);
}

harsanyi_status harsanyi_cuda_decompose_plan(const harsanyi_decompose_options* options, int n, int with_noise,
                                             void* plan, size_t plan_bytes, size_t* used) {
  if (const harsanyi_status status = check_job(options, n, 1, with_noise != 0)) return status;
  if (plan == nullptr || used == nullptr) return fail(bad, "plan, used: null pointer");
  if (reinterpret_cast<uintptr_t>(plan) % alignof(DecomposePlanHead) != 0) return fail(bad, "plan: not aligned");
  const size_t need = decompose_plan_bytes(n, with_noise != 0);
  if (plan_bytes < need) {
    return fail(HARSANYI_ERROR_WORKSPACE, "plan: %zu bytes given, %zu needed to build it", plan_bytes, need);
  }
  build_decompose_plan(*options, n, with_noise != 0, plan);
  *used = static_cast<const DecomposePlanHead*>(plan)->bytes;
  return HARSANYI_OK;
}

size_t harsanyi_cuda_decompose_workspace(int device, const harsanyi_decompose_options* options, int n, int64_t batch,
                                         int with_noise) {
  if (device < 0 || check_job(options, n, batch, with_noise != 0) != HARSANYI_OK || batch == 0) return 0;
  const CudaTable* const table = cuda_table();
  if (table == nullptr) return 0;
  CudaDecompose job = {};
  job.options = options;
  job.n = n;
  job.batch = batch;
  return table->decompose_workspace(CudaPlace{device, nullptr}, job, with_noise != 0);
}

harsanyi_status harsanyi_cuda_decompose(int device, void* stream, const harsanyi_decompose_options* options, int n,
                                        int64_t batch, const double* v, const double* zetas, double* and_, double* or_,
                                        double* delta, double* dual, harsanyi_decompose_report* reports,
                                        const void* plan, void* workspace, size_t workspace_bytes) {
  const bool noise = zetas != nullptr;
  if (const harsanyi_status status = check_job(options, n, batch, noise)) return status;
  if (batch == 0) return HARSANYI_OK;
  if (!v || !and_ || !or_ || !dual || !reports || !plan) {
    return fail(bad, "v, and, or, dual, reports, plan: null pointer");
  }
  if (noise && delta == nullptr) return fail(bad, "delta: null pointer, but zetas are given");
  const CudaDecompose job = {options, n, batch, v, zetas, and_, or_, delta, dual, reports, plan, workspace};
  if (const CudaTable* const table = cuda_table(); table != nullptr && device >= 0) {
    const size_t need = table->decompose_workspace(CudaPlace{device, stream}, job, noise);
    if (const harsanyi_status status = check_workspace(need, workspace, workspace_bytes)) return status;
  }
  return on_device(device, stream,
                   [&](const CudaTable& table, const CudaPlace& place) { return table.decompose(place, job); });
}

}  // extern "C"
