// The C ABI of the CUDA twins of masked batches: checks what lies in host memory, then the plugin.
#include <initializer_list>

#include "c_api_cuda.hpp"

namespace harsanyi {
namespace {

harsanyi_status masked_batch(int device, void* stream, const MaskedBatch& job, int64_t rows) {
  const void* const sets = job.masks != nullptr ? job.masks : static_cast<const void*>(job.subsets);
  const harsanyi_status status = check_masked_batch(job.element_bytes, job.elements, job.sample, job.baseline,
                                                    job.player, job.n, rows, sets, job.out);
  if (status != HARSANYI_OK || rows == 0 || job.elements == 0) return status;
  for (const void* const p : {job.sample, job.baseline, static_cast<const void*>(job.out)}) {
    if (reinterpret_cast<uintptr_t>(p) % job.element_bytes != 0) {
      return fail(bad, "sample, baseline, out: not aligned to elements of %zu bytes", job.element_bytes);
    }
  }
  return on_device(device, stream, [&](const CudaTable& table, const CudaPlace& place) {
    return table.masked_batch(place, job, rows);
  });
}

}  // namespace
}  // namespace harsanyi

using namespace harsanyi;

extern "C" {

harsanyi_status harsanyi_cuda_masked_batch(int device, void* stream, size_t element_bytes, int64_t elements,
                                           const void* sample, const void* baseline, const int32_t* player, int n,
                                           int64_t rows, const int64_t* subsets, void* out) {
  if (n > kMaxSubsetPlayers) return fail(bad, "n: %d players need masks, subsets hold %d", n, kMaxSubsetPlayers);
  return masked_batch(device, stream, {element_bytes, elements, sample, baseline, player, n, subsets, nullptr, out},
                      rows);
}

harsanyi_status harsanyi_cuda_masked_batch_from_masks(int device, void* stream, size_t element_bytes, int64_t elements,
                                                      const void* sample, const void* baseline, const int32_t* player,
                                                      int n, int64_t rows, const uint8_t* masks, void* out) {
  return masked_batch(device, stream, {element_bytes, elements, sample, baseline, player, n, nullptr, masks, out},
                      rows);
}

}  // extern "C"
