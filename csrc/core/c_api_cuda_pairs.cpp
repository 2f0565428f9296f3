// The C ABI of the CUDA twins of the sums by order, player and pair: checks arguments, then the plugin.
#include "c_api_cuda.hpp"
#include "cuda_pairs.hpp"

using namespace harsanyi;

namespace {

size_t table_bytes(int n) { return sizeof(double) * static_cast<size_t>(pair_table_size(pair_part_players(n))); }

}  // namespace

extern "C" {

size_t harsanyi_cuda_pair_sums_workspace(int n, int64_t batch) {
  return is_lattice(n) && batch > 0 ? static_cast<size_t>(pair_tables(n, batch)) * table_bytes(n) : 0;
}

harsanyi_status harsanyi_cuda_pair_sums(int device, void* stream, harsanyi_dtype dtype, int n, int64_t batch,
                                        const void* src, double* out, void* workspace, size_t workspace_bytes) {
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: pair sums take f32 or f64");
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  const int64_t wanted = pair_tables(n, batch);
  const size_t given = workspace != nullptr ? workspace_bytes / table_bytes(n) : 0;
  if (wanted > 0 && given == 0) {
    return fail(HARSANYI_ERROR_WORKSPACE, "workspace: %zu bytes given, at least %zu needed",
                workspace != nullptr ? workspace_bytes : 0, table_bytes(n));
  }
  if (wanted > 0 && reinterpret_cast<uintptr_t>(workspace) % sizeof(double) != 0) {
    return fail(bad, "workspace: not aligned for doubles");
  }
  const int64_t tables = given < static_cast<size_t>(wanted) ? static_cast<int64_t>(given) : wanted;
  const CudaPairSums job{static_cast<Dtype>(dtype), n, batch, src, out, static_cast<double*>(workspace), tables};
  return on_device(device, stream,
                   [&](const CudaTable& table, const CudaPlace& place) { return table.pair_sums(place, job); });
}

harsanyi_status harsanyi_cuda_pair_sums_adjoint(int device, void* stream, int n, int64_t batch, const double* src,
                                                double* out) {
  if (const harsanyi_status status = check_lattice(HARSANYI_F64, n, batch)) return status;
  if (batch == 0) return HARSANYI_OK;
  if (src == nullptr || out == nullptr) return fail(bad, "src, out: null pointer");
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.pair_sums_adjoint(place, n, batch, src, out);
  });
}

}  // extern "C"
