// What the CUDA plugin (csrc/cuda, a library of its own) offers the core: one table of functions.
//
// All pointers to data are device memory. Everything runs in order on the caller's stream: nothing allocates, waits
// for the device, or leaves another device current. A function returns 0 or a CUDA error code. Arguments have been
// checked by the core.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../cpu/kernels.hpp"

namespace harsanyi {

struct CudaPlace {
  int device;
  void* stream;  // cudaStream_t
};

struct CudaPairSums {
  Dtype dtype;
  int n;
  int64_t batch;
  const void* src;
  double* out;
  double* tables;  // room for this many tables of a part (core/cuda_pairs.hpp)
  int64_t table_count;
};

struct CudaTable {
  const char* version;  // of the package, and the size of this table: the core takes no other
  size_t bytes;
  const char* (*error_text)(int code);
  int (*count_devices)(int* count);
  int (*transform)(const CudaPlace& place, const Transform& job, int64_t batch);
  int (*pair_sums)(const CudaPlace& place, const CudaPairSums& job);
  int (*pair_sums_adjoint)(const CudaPlace& place, int n, int64_t batch, const double* src, double* out);
};

}  // namespace harsanyi

extern "C" __attribute__((visibility("default"))) const harsanyi::CudaTable* harsanyi_cuda_table(void);
