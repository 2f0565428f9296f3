// What the files of the CUDA part of the C ABI share.
#pragma once

#include "checks.hpp"
#include "cuda_loader.hpp"
#include "harsanyi/cuda.h"

namespace harsanyi {

// Calls run(table, place), whose result is a CUDA error code.
template <class F>
harsanyi_status on_device(int device, void* stream, const F& run) {
  if (device < 0) return fail(bad, "device: %d is negative", device);
  const CudaTable* const table = cuda_table();
  if (table == nullptr) return fail(HARSANYI_ERROR_UNSUPPORTED, "cuda: %s", cuda_absence());
  const int code = run(*table, CudaPlace{device, stream});
  if (code == 0) return HARSANYI_OK;
  return fail(HARSANYI_ERROR_SYSTEM, "cuda: %s", table->error_text(code));
}

}  // namespace harsanyi
