// The C ABI of the CUDA twins: checks arguments, then the plugin.
#include "c_api_cuda.hpp"

namespace harsanyi {
namespace {

harsanyi_status transform(int device, void* stream, const Transform& job, int64_t batch) {
  if (batch == 0) return HARSANYI_OK;
  const size_t bytes = (size_of(job.dtype) << job.n) * static_cast<size_t>(batch);
  if (const harsanyi_status status = check_buffers(job.src, job.dst, bytes)) return status;
  return on_device(device, stream,
                   [&](const CudaTable& table, const CudaPlace& place) { return table.transform(place, job, batch); });
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

int harsanyi_cuda_available(void) {
  if (cuda_table() != nullptr) return 1;
  fail(HARSANYI_ERROR_UNSUPPORTED, "cuda: %s", cuda_absence());
  return 0;
}

harsanyi_status harsanyi_cuda_transform(int device, void* stream, harsanyi_kind kind, harsanyi_dtype dtype, int n,
                                        int64_t batch, const void* src, void* dst) {
  if (kind < HARSANYI_ZETA || kind > HARSANYI_WALSH_HADAMARD) return fail(bad, "kind: %d is unknown", kind);
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  return transform(device, stream, {static_cast<Kind>(kind), static_cast<Dtype>(dtype), n, src, dst, {}}, batch);
}

harsanyi_status harsanyi_cuda_kronecker(int device, void* stream, const double matrix[4], harsanyi_dtype dtype, int n,
                                        int64_t batch, const void* src, void* dst) {
  if (matrix == nullptr) return fail(bad, "matrix: null pointer");
  if (const harsanyi_status status = check_lattice(dtype, n, batch)) return status;
  if (dtype == HARSANYI_I64) return fail(HARSANYI_ERROR_UNSUPPORTED, "dtype: a real matrix needs f32 or f64");
  const Transform job{
      Kind::general, static_cast<Dtype>(dtype), n, src, dst, {matrix[0], matrix[1], matrix[2], matrix[3]}};
  return transform(device, stream, job, batch);
}

}  // extern "C"
