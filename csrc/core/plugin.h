// What the CUDA plugin (csrc/cuda, a library of its own) offers the core: one table of functions.
//
// All pointers to data are device memory. Everything runs in order on the caller's stream: nothing allocates, waits
// for the device, or leaves another device current. A function returns 0 or a CUDA error code. Arguments have been
// checked by the core.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../cpu/kernels.hpp"
#include "harsanyi/harsanyi.h"

namespace harsanyi {

struct CudaPlace {
  int device;
  void* stream;  // cudaStream_t
};

// Pointers to device memory, but for the options.
struct CudaDecompose {
  const harsanyi_decompose_options* options;
  int n;
  int64_t batch;
  const double *v, *zetas;  // zetas: null without noise
  double *and_, *or_, *delta, *dual;
  harsanyi_decompose_report* reports;
  const void* plan;  // of decompose_plan.hpp
  void* workspace;
};

struct CudaTable {
  const char* version;  // of the package, and the size of this table: the core takes no other
  size_t bytes;
  const char* (*error_text)(int code);
  int (*count_devices)(int* count);
  int (*transform)(const CudaPlace& place, const Transform& job, int64_t batch);
  size_t (*decompose_workspace)(const CudaPlace& place, const CudaDecompose& given, bool noise);
  int (*decompose)(const CudaPlace& place, const CudaDecompose& given);
};

}  // namespace harsanyi

extern "C" __attribute__((visibility("default"))) const harsanyi::CudaTable* harsanyi_cuda_table(void);
